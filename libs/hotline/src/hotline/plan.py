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


CLOCK_FILE = "clock.json"


class ClockRefused(StartRefused):
    """The clock that was asked for is not the one this data directory keeps."""


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
            "keys": Path(os.environ.get("HOTLINE_KEYS") or self.data / "keys"),
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
        return self.data / CLOCK_FILE

    def clock(self, start: datetime | None = None) -> Clock:
        """The real clock, or the simulated one where it stood; ``start`` counts only for a new data directory.

        A data directory keeps its kind of clock: what was registered in real time cannot be followed by an earlier
        simulated one, nor a simulated future by today. :class:`ClockRefused`.
        """
        kept = json.loads(self.clock_file.read_text()) if self.clock_file.exists() else None
        if kept is not None and kept["simulated"] is not self.simulated:
            own = "simulated" if kept["simulated"] else "real"
            raise ClockRefused(
                f"{self.data} was started with the {own} clock and keeps it, for time never goes back: "
                f"say --clock {own} or choose another data directory."
            )
        if not self.simulated:
            if kept is None:
                self._write({"simulated": False})
            return RealClock()
        if kept is None:
            if start is None:
                raise ClockRefused("A simulated clock needs --start the first time.")
            self.persist(start)
            return SimulatedClock(start)
        return SimulatedClock(datetime.fromisoformat(kept["now"]))

    def persist(self, now: datetime) -> None:
        """Write the simulated instant down before anybody is set to it."""
        self._write({"simulated": True, "now": now.isoformat()})

    def _write(self, content: dict[str, Any]) -> None:
        draft = self.clock_file.with_suffix(f".{os.getpid()}")
        with draft.open("w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.clock_file)


def keeps_simulated_time(data: Path) -> bool:
    """Whether a data directory was started with the simulated clock."""
    file = data / CLOCK_FILE
    return file.exists() and bool(json.loads(file.read_text())["simulated"])


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
