"""Trying every mutant of a pack against the load checks and the scenarios beside it."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal
from zlib import crc32

from common.calendar import WorkingCalendar, load_calendar
from common.policy import PackInvalid
from common.policy.check import CALENDAR
from common.policy.pack import Pack, examine
from common.policy.reading import beside, read_extended
from common.policy.refusals import Finding
from hotline.mutation.mutants import Mutant, mutants_of
from hotline.rehearsal.check import Written, read_scenarios, rehearse_one
from hotline.rehearsal.scenario import Scenario
from hotline.rehearsal.stage import Comparison

Fate = Literal["refused", "noticed", "compared", "survived"]
"""``refused`` when the pack is loaded; ``noticed`` by what a scenario's situation comes to; ``compared``: only where a
scenario holds the pack's words and clauses beside its own."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A change, and where the value stands."""

    file: Path | None
    line: int | None
    mutant: Mutant

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.mutant}"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the mutants."""

    refused: int
    noticed: int
    compared: tuple[Placed, ...]
    survivors: tuple[Placed, ...]


_EVERYWHERE: Final = frozenset({"documents", "main_document"})
"""Sections whose words stand in the sources of all others."""
_asked: set[str] = set()


class _Watched(Pack):
    """A pack that notes which of its sections are asked for."""

    def __getattribute__(self, name: str) -> Any:
        if name in Pack.model_fields:
            _asked.add(name)
        return super().__getattribute__(name)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A scenario, and the sections of the pack that it asks for: a change of any other can not make a difference.

    It asks for the same ones of a changed pack, as nothing differs before it meets the change.
    """

    written: Written
    sections: frozenset[str]

    def meets(self, section: str) -> bool:
        return section in self.sections or section in _EVERYWHERE


@dataclass(slots=True)
class _Stand:
    """Everything a mutant is tried against, read once. The scenario that noticed the last one is asked first, and
    what is only compared when no situation has noticed."""

    content: Mapping[str, Any]
    version: str
    calendar: WorkingCalendar
    scenarios: list[_Asking] = field(default_factory=list)
    comparisons: list[_Asking] = field(default_factory=list)

    def fate(self, mutant: Mutant) -> Fate:
        pack, problems = examine(mutant.applied(self.content))
        if pack is None or problems:
            return "refused"
        section = str(mutant.place[0])
        if self._noticed(self.scenarios, pack, section):
            return "noticed"
        return "compared" if self._noticed(self.comparisons, pack, section) else "survived"

    def _noticed(self, scenarios: list[_Asking], pack: Pack, section: str) -> bool:
        for index, one in enumerate(scenarios):
            if one.meets(section) and next(rehearse_one(one.written, pack, self.calendar), None) is not None:
                scenarios.insert(0, scenarios.pop(index))
                return True
        return False


_stand: _Stand | None = None


def _prepare(directory: Path) -> None:
    global _stand
    _stand = _read(directory)


def _try(mutant: Mutant) -> Fate:
    assert _stand is not None
    return _stand.fate(mutant)


def _read(directory: Path) -> _Stand:
    written = read_extended(directory)
    scenarios, findings = read_scenarios(directory / "scenarios")
    if written.findings or findings:
        raise PackInvalid([*written.findings, *findings])
    pack, problems = examine(written.content)
    if pack is None or problems:
        raise PackInvalid([Finding(*written.locate(place), sentence) for place, sentence in problems])
    calendar = load_calendar(beside(directory, CALENDAR))
    parts = ([_keeping(one, comparisons=wanted) for one in scenarios] for wanted in (False, True))
    deciding, comparing = ([_watched(one, pack, calendar, findings) for one in part] for part in parts)
    if findings:
        raise PackInvalid(findings)
    return _Stand(written.content, pack.version, calendar, deciding, comparing)


def _watched(written: Written, pack: Pack, calendar: WorkingCalendar, findings: list[Finding]) -> _Asking:
    """What a scenario asks for; one that reads otherwise asks for all. ``findings`` tells what does not come out."""
    _asked.clear()
    findings += rehearse_one(written, _Watched.model_construct(**pack.__dict__), calendar)
    return _Asking(written, frozenset(Pack.model_fields if written.scenario.readings else _asked))


def _keeping(written: Written, *, comparisons: bool) -> Written:
    """A scenario with nothing but its comparisons, or with everything else."""
    dropped = {}
    for name, field_ in Scenario.model_fields.items():
        value = getattr(written.scenario, name)
        compares = isinstance(value, tuple) and any(isinstance(one, Comparison) for one in value)
        if compares is not comparisons and name != "words":
            dropped[name] = field_.default
    return replace(written, scenario=written.scenario.model_copy(update=dropped))


def try_pack(
    directory: Path,
    *,
    only: str = "",
    sample: int | None = None,
    processes: int | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Trial:
    """Try every mutant of the pack in a directory; ``only`` limits them to places that begin so, ``sample`` to so many,
    which are others whenever the pack says something else.

    ``PackInvalid`` when the pack as it stands can not be read or does not pass its own scenarios.
    """
    stand = _read(directory)
    mutants = [one for one in mutants_of(stand.content) if ".".join(map(str, one.place)).startswith(only)]
    if sample is not None:
        chosen = sorted(mutants, key=lambda one: crc32(f"{stand.version} {one}".encode()))[:sample]
        mutants = [one for one in mutants if one in chosen]
    fates: list[Fate] = []
    workers = processes if processes is not None else os.cpu_count() or 1
    if workers == 1:
        for one in mutants:
            fates.append(stand.fate(one))
            tell(len(fates), len(mutants))
    else:
        with ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (directory,)) as pool:
            for fate in pool.map(_try, mutants, chunksize=16):
                fates.append(fate)
                tell(len(fates), len(mutants))
    lines = read_extended(directory)
    told = [(Placed(*lines.locate(one.place), one), fate) for one, fate in zip(mutants, fates, strict=True)]
    return Trial(
        fates.count("refused"),
        fates.count("noticed"),
        tuple(one for one, fate in told if fate == "compared"),
        tuple(one for one, fate in told if fate == "survived"),
    )
