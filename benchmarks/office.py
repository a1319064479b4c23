"""The people at their desks: who calls, what they send, and how they behave when the suite does not answer."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client import Answer, Line, Lost
from benchmarks.ledger import Ledger
from benchmarks.running import SuiteRun
from common.security.access import Role

JURISDICTION = "shuangyashan"
LEAD, OTHER = f"{JURISDICTION}.zhujianju", f"{JURISDICTION}.chengguan"


class Refused(RuntimeError):
    """The suite refused what it should have accepted."""


class NoQuiet(RuntimeError):
    """The suite did not come to rest; the text is its own, it names who was busy."""


class NoAnswer(TimeoutError):
    """The suite did not give a final answer within the office's patience."""


@dataclass
class Office:
    """Sends commands until they are answered: a lost connection or a 503 is tried again with the same key."""

    suite: SuiteRun
    ledger: Ledger | None = None
    patience_seconds: float = 60.0
    oddities: list[str] = field(default_factory=list)
    waits: Counter[str] = field(default_factory=Counter)
    _tokens: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def token(self, role: Role, unit: str | None = None) -> str:
        who = (role, unit)
        if who not in self._tokens:
            self._tokens[who] = self.suite.issuer.issue(role, unit, JURISDICTION)
        return self._tokens[who]

    async def command(
        self,
        line: Line,
        path: str,
        body: Mapping[str, Any],
        role: Role,
        *,
        key: str,
        unit: str | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """POST with a key until there is a final answer; its content, with the ``Hotline-Event`` under ``event``.

        Raises :class:`Refused` for a 4xx and :class:`NoAnswer`.
        """
        headers = {
            "authorization": f"Bearer {self.token(role, unit)}",
            "content-type": "application/json",
            "idempotency-key": key,
            **({"if-after": after} if after else {}),
        }
        payload = json.dumps(body, ensure_ascii=False).encode()
        if self.ledger is not None:
            self.ledger.about_to_send(key, path)
        answer = await self._until_final(lambda: line.ask("POST", path, headers, payload), path)
        told = answer.json() if answer.body else {}
        event = answer.headers.get("hotline-event", "")
        if self.ledger is not None:
            repeat = "idempotent-replay" in answer.headers
            self.ledger.answered(key, answer.status, event, told, repeat=repeat)
        if answer.status >= 400:
            raise Refused(f"{path}: {answer.status} {answer.body.decode('utf-8', 'replace')[:300]}")
        return {**told, "event": event}

    async def _until_final(self, ask: Callable[[], Any], path: str) -> Answer:
        give_up = time.monotonic() + self.patience_seconds
        pause = 0.02
        while True:
            try:
                answer: Answer = await ask()
            except Lost as lost:
                self.waits[f"lost {lost}"] += 1
            else:
                if answer.status < 500:
                    return answer
                self._note(path, answer)
            if time.monotonic() > give_up:
                raise NoAnswer(f"{path}: no final answer within {self.patience_seconds:.0f} s; {dict(self.waits)}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def _note(self, path: str, answer: Answer) -> None:
        """A 503 says when to come again; any other 5xx is a fault of the suite. Raises :class:`NoQuiet`."""
        if answer.status == 503 and "retry-after" in answer.headers:
            self.waits[str(answer.json().get("code"))] += 1
        elif answer.status == 504 and path == "/clock":
            raise NoQuiet(answer.json()["detail"])
        else:
            self.oddities.append(f"{path}: {answer.status} {answer.body.decode('utf-8', 'replace')[:200]}")

    async def read(self, line: Line, path: str, role: Role = "admin", unit: str | None = None) -> Any:
        """GET until there is a final answer."""
        headers = {"authorization": f"Bearer {self.token(role, unit)}"}
        answer = await self._until_final(lambda: line.ask("GET", path, headers), path)
        if answer.status >= 400:
            raise Refused(f"{path}: {answer.status} {answer.body.decode('utf-8', 'replace')[:300]}")
        return answer.json()

    async def enter_units(self, line: Line) -> None:
        """The units that the lives go to; the same entry again changes nothing."""
        entry = {"kind": "municipal_department", "handlers": ["zhang", "li"]}
        for code in (LEAD, OTHER):
            headers = {"authorization": f"Bearer {self.token('admin')}", "content-type": "application/json"}
            body = json.dumps({"name": code.partition(".")[2], **entry}).encode()
            path = f"/dispatch/v1/units/{code}"
            answer = await self._until_final(lambda: line.ask("PUT", path, headers, body), path)  # noqa: B023
            # 422 unknown jurisdiction, 409: the pack has not come yet right after the first start
            if answer.status >= 400:
                raise Refused(f"{path}: {answer.status} {answer.body.decode('utf-8', 'replace')[:300]}")

    async def advance(self, line: Line, to: str) -> dict[str, Any]:
        """Move the simulated clock; asked again until the suite has come to rest there."""
        body = json.dumps({"advance_to": to}).encode()
        headers = {"content-type": "application/json"}
        answer = await self._until_final(lambda: line.ask("POST", "/clock", headers, body), "/clock")
        # After a kill the clock may stand there already, or a little further than a client had heard.
        if answer.status >= 400 and answer.status != 409:
            raise Refused(f"/clock: {answer.status} {answer.body.decode('utf-8', 'replace')[:300]}")
        return dict(answer.json())
