"""Why a pack can not be used: findings with file, line and sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

Place = tuple[str | int, ...]
"""Where a value stands in a pack: the keys and positions that lead to it."""


class Problem(NamedTuple):
    """What is wrong with the value at a place, before anybody knows in which file it stands."""

    place: Place
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a pack. ``file`` and ``line`` (from 1) are unknown for a pack that came as an event."""

    file: Path | None
    line: int | None
    sentence: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{place}: {self.sentence}" if place else self.sentence


class PackInvalid(ValueError):
    """A pack that is not used at all, because something in it is wrong."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class NoPackInForce(LookupError):
    """No pack of the jurisdiction is in force at that instant. ``known``: it has packs for other times, of those that
    are over the last one until ``ended_on``.
    """

    def __init__(self, jurisdiction: str, at: datetime, *, known: bool, ended_on: date | None = None) -> None:
        when = f"no pack of {jurisdiction} is in force at {at.isoformat()}"
        super().__init__(when if known else f"{jurisdiction} is not a jurisdiction with a pack")
        self.jurisdiction = jurisdiction
        self.at = at
        self.known = known
        self.ended_on = ended_on
