"""Checking what lies in ``policies/`` to the end: every pack, and every scenario beside it, on the real calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from common.calendar import CalendarRefused, CalendarsContradict, NoCalendar, WorkingCalendar, load_calendar
from common.policy import Finding, Pack, PackInvalid, load_pack, pack_directories
from common.policy.check import CALENDAR
from common.policy.reading import beside, read_file
from common.policy.sentences import sentence_for
from hotline.rehearsal.scenario import Scenario, rehearse


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario, and where it stands."""

    file: Path
    line: int
    name: str
    scenario: Scenario


def check_packs(policies: Path, names: tuple[str, ...] = ()) -> list[Finding]:
    """Everything wrong with the packs of a directory, or those named, and their scenarios; nothing: all is well."""
    try:
        calendar = load_calendar(policies / CALENDAR)
    except (CalendarRefused, CalendarsContradict, NoCalendar) as refused:
        return [Finding(policies / CALENDAR, None, str(refused))]
    wanted = [directory for directory in pack_directories(policies) if not names or directory.name in names]
    return [finding for directory in wanted for finding in check_pack(directory, calendar)]


def check_pack(directory: Path, calendar: WorkingCalendar) -> list[Finding]:
    """Everything wrong with one pack and its scenarios."""
    try:
        pack = load_pack(directory)
    except PackInvalid as invalid:
        return list(invalid.findings)
    return rehearse_pack(directory / "scenarios", pack, calendar)


def rehearse_pack(directory: Path, pack: Pack, calendar: WorkingCalendar) -> list[Finding]:
    """What the pack decides otherwise than its scenarios say; a pack without scenarios is not proven at all."""
    written, findings = read_scenarios(directory)
    if not written and not findings:
        return [Finding(directory, None, f"the pack of {pack.jurisdiction} has no scenario")]
    return [*findings, *(finding for one in written for finding in rehearse_one(one, pack, calendar))]


def rehearse_one(one: Written, pack: Pack, calendar: WorkingCalendar) -> Iterator[Finding]:
    """The ways in which one scenario does not come out."""
    for difference in rehearse(one.scenario, pack, calendar):
        yield Finding(one.file, one.line, f"{one.name}: {difference}")


def read_scenarios(directory: Path) -> tuple[list[Written], list[Finding]]:
    """The scenarios of a pack's directory, and what can not be read as one.

    They are inherited as values are: those of the base that the pack extends hold for it, too, unless one of its own
    has the same name, or it leaves the name out with null.
    """
    own, left_out, findings = _own_scenarios(directory)
    base = _base_of(directory)
    if base is None:
        inherited: list[Written] = []
    else:
        inherited, unreadable = read_scenarios(base)
        findings += unreadable
    names = {one.name for one in own}
    for name, (file, line) in left_out.items():
        if name not in {one.name for one in inherited}:
            findings.append(Finding(file, line, f"{name}: no base has such a scenario that could be left out"))
    return [*own, *(one for one in inherited if one.name not in names | left_out.keys())], findings


def _base_of(directory: Path) -> Path | None:
    """The scenarios of what the pack above this directory extends, as its pack.yaml says."""
    pack = directory.parent / "pack.yaml"
    named = read_file(pack).content.get("extends") if pack.is_file() else None
    return beside(directory.parent, str(named)) / "scenarios" if named is not None else None


def _own_scenarios(directory: Path) -> tuple[list[Written], dict[str, tuple[Path, int]], list[Finding]]:
    scenarios: list[Written] = []
    left_out: dict[str, tuple[Path, int]] = {}
    findings: list[Finding] = []
    for file in sorted(directory.glob("*.yaml")):
        written = read_file(file)
        findings += written.findings
        for name, content in written.content.items():
            if content is None:
                left_out[name] = written.places[(name,)]
                continue
            try:
                scenario = Scenario.model_validate(content)
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    at, on = written.locate((name, *detail["loc"]))
                    findings.append(Finding(at, on, f"{name}: {sentence_for(detail, Scenario)}"))
                continue
            scenarios.append(Written(file, written.places[(name,)][1], name, scenario))
    return scenarios, left_out, findings
