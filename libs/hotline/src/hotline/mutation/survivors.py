"""Trying every mutant of a pack against the load checks and the scenarios beside it."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from common.calendar import WorkingCalendar, load_calendar
from common.policy import PackInvalid
from common.policy.check import CALENDAR
from common.policy.pack import examine
from common.policy.reading import read_files
from common.policy.refusals import Finding
from hotline.mutation.mutants import Mutant, mutants_of
from hotline.rehearsal.check import Written, read_scenarios, rehearse_one

Fate = Literal["refused", "noticed", "survived"]
"""``refused`` when the pack is loaded; ``noticed`` by a scenario."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that nothing noticed, and where the value stands."""

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
    survivors: tuple[Survivor, ...]


@dataclass(slots=True)
class _Stand:
    """Everything a mutant is tried against, read once. The scenario that noticed the last one is asked first."""

    content: Mapping[str, Any]
    calendar: WorkingCalendar
    scenarios: list[Written] = field(default_factory=list)

    def fate(self, mutant: Mutant) -> Fate:
        pack, problems = examine(mutant.applied(self.content))
        if pack is None or problems:
            return "refused"
        for index, written in enumerate(self.scenarios):
            if next(rehearse_one(written, pack, self.calendar), None) is not None:
                self.scenarios.insert(0, self.scenarios.pop(index))
                return "noticed"
        return "survived"


_stand: _Stand | None = None


def _prepare(directory: Path) -> None:
    global _stand
    _stand = _read(directory)


def _try(mutant: Mutant) -> Fate:
    assert _stand is not None
    return _stand.fate(mutant)


def _read(directory: Path) -> _Stand:
    written = read_files(sorted(directory.glob("*.yaml")), directory)
    scenarios, findings = read_scenarios(directory / "scenarios")
    if written.findings or findings:
        raise PackInvalid([*written.findings, *findings])
    return _Stand(written.content, load_calendar(directory.parent / CALENDAR), scenarios)


def try_pack(
    directory: Path,
    *,
    only: str = "",
    processes: int | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Trial:
    """Try every mutant of the pack in a directory; ``only`` limits them to places that begin so.

    ``PackInvalid`` when the pack as it stands can not be read or does not pass its own scenarios.
    """
    stand = _read(directory)
    _passes(stand, directory)
    mutants = [one for one in mutants_of(stand.content) if ".".join(map(str, one.place)).startswith(only)]
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
    lines = read_files(sorted(directory.glob("*.yaml")), directory)
    survivors = tuple(
        Survivor(*lines.locate(one.place), one) for one, fate in zip(mutants, fates, strict=True) if fate == "survived"
    )
    return Trial(fates.count("refused"), fates.count("noticed"), survivors)


def _passes(stand: _Stand, directory: Path) -> None:
    pack, problems = examine(stand.content)
    findings = [Finding(directory, None, problem.sentence) for problem in problems]
    if pack is not None:
        findings += [found for one in stand.scenarios for found in rehearse_one(one, pack, stand.calendar)]
    if findings:
        raise PackInvalid(findings)
