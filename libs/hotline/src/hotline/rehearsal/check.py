"""Checking what lies in ``policies/`` to the end: every pack, and every scenario beside it, on the real calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from common.calendar import CalendarRefused, CalendarsContradict, NoCalendar, WorkingCalendar, load_calendar
from common.policy import Finding, Pack, PackInvalid, load_pack, pack_directories
from common.policy.check import CALENDAR
from common.policy.check import check_pack as check_alone
from common.policy.reading import beside, read_file
from common.policy.sentences import sentence_for
from hotline.rehearsal.scenario import Scenario, rehearse

PACK: Final = "pack.yaml"


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario, and where it stands."""

    file: Path
    line: int
    name: str
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Checked:
    """A pack that was checked: how many scenarios were rehearsed with it, and what was found."""

    name: str
    scenarios: int
    findings: tuple[Finding, ...]


def check_packs(policies: Path, names: tuple[str, ...] = ()) -> list[Finding]:
    """Everything wrong with the packs of a directory, or those named, and their scenarios; nothing: all is well."""
    checked, calendars = checked_packs(policies, names)
    return [*calendars, *(finding for one in checked for finding in one.findings)]


def checked_packs(policies: Path, names: tuple[str, ...] = ()) -> tuple[list[Checked], list[Finding]]:
    """Each pack of a directory, or each one named, with what was found, and what is wrong with the calendars.

    No scenario is rehearsed by calendars that can not be used.
    """
    wanted = named_packs(policies, names) if names else pack_directories(policies)
    try:
        calendar = load_calendar(policies / CALENDAR)
    except (CalendarRefused, CalendarsContradict, NoCalendar) as refused:
        file = getattr(refused, "file", None)
        at = policies / CALENDAR / file if file else policies / CALENDAR
        return [Checked(one.name, 0, tuple(check_alone(one))) for one in wanted], _calendar_findings(refused, at)
    return [_checked(directory, calendar) for directory in wanted], []


def named_packs(policies: Path, names: tuple[str, ...]) -> list[Path]:
    """The directories of these packs; a folder of packs, such as ``_examples``, is all that lie in it."""
    found: list[Path] = []
    for name in names:
        directory = policies / name
        inside = pack_directories(directory) if directory.is_dir() else ()
        packs = tuple(one for one in inside if (one / PACK).is_file())
        found += packs or ([directory] if (directory / PACK).is_file() and directory.name[0] != "_" else [])
    return found


def _checked(directory: Path, calendar: WorkingCalendar) -> Checked:
    written, _ = read_scenarios(directory / "scenarios")
    return Checked(directory.name, len(written), tuple(check_pack(directory, calendar)))


def _calendar_findings(refused: Exception, at: Path) -> list[Finding]:
    if isinstance(refused, CalendarRefused):
        return [Finding(at, refused.line, fault.sentence) for fault in refused.faults]
    return [Finding(at, None, str(refused))]


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
    pack = directory.parent / PACK
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
