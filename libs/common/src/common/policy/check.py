"""Checking what lies in ``policies/``: every pack, every scenario, against the real calendar."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from common.calendar.load import load_calendar
from common.calendar.shape import CalendarRefused
from common.calendar.working import NoCalendar, OutsideCalendar, WorkingCalendar
from common.policy.pack import Pack
from common.policy.reading import load_pack, read_file
from common.policy.refusals import Finding, PackInvalid
from common.policy.rehearsal import rehearse
from common.policy.scenarios import Scenario
from common.policy.sentences import sentence_for

CALENDAR = "calendar"


def pack_directories(policies: Path) -> tuple[Path, ...]:
    """The directories of ``policies/`` that hold packs."""
    return tuple(sorted(part for part in policies.iterdir() if part.is_dir() and part.name != CALENDAR))


def check_packs(policies: Path) -> list[Finding]:
    """Everything wrong with the packs of a directory and their scenarios; nothing: they can be activated."""
    try:
        calendar = load_calendar(policies / CALENDAR)
    except (CalendarRefused, NoCalendar) as refused:
        return [Finding(policies / CALENDAR, None, str(refused))]
    return [finding for directory in pack_directories(policies) for finding in check_pack(directory, calendar)]


def check_pack(directory: Path, calendar: WorkingCalendar) -> list[Finding]:
    """Everything wrong with one pack and its scenarios."""
    try:
        pack = load_pack(directory)
    except PackInvalid as invalid:
        return list(invalid.findings)
    return list(check_scenarios(directory / "scenarios", pack, calendar))


def check_scenarios(directory: Path, pack: Pack, calendar: WorkingCalendar) -> Iterator[Finding]:
    """What the pack decides otherwise than its scenarios say; a pack without scenarios is not proven at all."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        yield Finding(directory, None, f"the pack of {pack.jurisdiction} has no scenario")
    for file in files:
        yield from _check_file(file, pack, calendar)


def _check_file(file: Path, pack: Pack, calendar: WorkingCalendar) -> Iterator[Finding]:
    written = read_file(file)
    yield from written.findings
    for name, content in written.content.items():
        line = written.places[(name,)][1]
        try:
            scenario = Scenario.model_validate(content)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                at, on = written.locate((name, *detail["loc"]))
                yield Finding(at, on, f"{name}: {sentence_for(detail, Scenario)}")
            continue
        try:
            differences = rehearse(scenario, pack, calendar)
        except OutsideCalendar as outside:
            differences = (str(outside),)
        for difference in differences:
            yield Finding(file, line, f"{name}: {difference}")
