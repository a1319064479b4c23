"""How the suite runs: the choices of ``hotline up``, told to child processes as well."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from common.clock import Clock, RealClock, SimulatedClock
from common.runtime.settings import Settings
from common.security.development import DevelopmentIssuer
from hotline.guard import StartRefused

CHILD = "HOTLINE_CHILD"
"""The environment variable that holds a child's orders."""


class SettingsRefused(StartRefused):
    """The environment does not say what the services must know."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the data lies, which engines serve, which clock counts.

    ``embedded``: the database is our own, every service enters it under its own login.
    """

    data: Path
    packs: Path
    database: str
    bus: str
    embedded: bool
    simulated: bool
    development: bool
    pool_size: int = 5

    def settings(self) -> Settings:
        """The settings of every service. Trust comes from the environment, or from the development issuer."""
        chosen: dict[str, Any] = {
            "database": self.database,
            "bus": self.bus,
            "keys": self.data / "keys",
            "packs": self.packs,
            "development": self.development,
            "pool_size": self.pool_size,
        }
        if self.development:
            chosen["issuers"] = [DevelopmentIssuer(self.issuer_key).settings()]
        try:
            return Settings(**chosen)
        except ValidationError as error:
            wrong = "; ".join(f"HOTLINE_{str(one['loc'][0]).upper()} ({one['msg']})" for one in error.errors())
            raise SettingsRefused(f"These settings are missing or wrong: {wrong}.") from error

    @property
    def issuer_key(self) -> Path:
        return self.data / "issuer.pem"

    @property
    def clock_file(self) -> Path:
        return self.data / "clock.json"

    def clock(self, start: datetime | None = None) -> Clock:
        """The real clock, or the simulated one where it stood; ``start`` counts only for a new data directory."""
        if not self.simulated:
            return RealClock()
        if not self.clock_file.exists():
            if start is None:
                raise ValueError("a simulated clock needs --start the first time")
            self.persist(start)
        return SimulatedClock(datetime.fromisoformat(json.loads(self.clock_file.read_text())["now"]))

    def persist(self, now: datetime) -> None:
        """Write the simulated instant down before anybody is set to it."""
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(json.dumps({"now": now.isoformat()}))
        os.replace(draft, self.clock_file)


@dataclass(frozen=True, slots=True)
class ChildOrders:
    """What one child runs. ``shared``: the descriptor of the common listening socket, if it serves that one too."""

    plan: Plan
    services: tuple[str, ...]
    socket: Path
    supervisor: Path
    shared: int | None = None

    def environment(self) -> dict[str, str]:
        return {CHILD: json.dumps(asdict(self), default=str)}

    @classmethod
    def read(cls) -> "ChildOrders":
        told = json.loads(os.environ[CHILD])
        plan = told["plan"] | {"data": Path(told["plan"]["data"]), "packs": Path(told["plan"]["packs"])}
        return cls(
            plan=Plan(**plan),
            services=tuple(told["services"]),
            socket=Path(told["socket"]),
            supervisor=Path(told["supervisor"]),
            shared=told["shared"],
        )
