"""From ``policies/calendar/<year>.yaml`` to a ``WorkingCalendar``; what is refused is named with its line."""

import re
from pathlib import Path
from typing import Final

import yaml

from common.calendar.model import CalendarYear, Fault
from common.calendar.shape import CalendarRefused, deserialise
from common.calendar.working import WorkingCalendar, assemble

_Path = tuple[str | int, ...]

#: A calendar year is a page of text; anything larger is not one.
_MOST_BYTES: Final = 100_000


class _Words(yaml.SafeLoader):
    """YAML whose dates stay as they are written, so that 2024-02-30 is refused with its place like all else."""


_Words.yaml_implicit_resolvers = {
    initial: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for initial, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_year(file: Path) -> CalendarYear:
    """The year that stands in a file named ``<year>.yaml``.

    ``CalendarRefused`` with file, line and sentence: not YAML, an unknown or repeated key, a missing notice, a day off
    twice, a make-up day on a weekday or on a day off, a day outside the year, another year than the file's name says.
    """
    try:
        content = file.read_bytes()
    except OSError as unreadable:
        raise _refused(file, None, f"cannot be read: {unreadable.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise _refused(file, None, f"is larger than {_MOST_BYTES} bytes: not a calendar year")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _refused(file, None, "is not UTF-8 text") from None
    year = parse_year(text, file.name)
    if re.fullmatch(r"\d{4}", file.stem) and int(file.stem) != year.year:
        raise CalendarRefused(
            (Fault(("year",), f"the file's name says {file.stem}, its content {year.year}"),), file.name
        )
    return year


def parse_year(text: str, file: str | None = None) -> CalendarYear:
    """The year written in that YAML text; ``file`` is only named in refusals."""
    try:
        document = yaml.compose(text, Loader=_Words)
        lines: dict[_Path, int] = {}
        if document is not None:
            _survey(document, (), lines, set())
        written = yaml.load(text, Loader=_Words)  # noqa: S506 a safe loader that knows fewer types
    except yaml.MarkedYAMLError as broken:
        line = broken.problem_mark.line + 1 if broken.problem_mark else None
        raise CalendarRefused((Fault((), f"is not YAML: {broken.problem}"),), file, line) from None
    except yaml.YAMLError as broken:
        raise CalendarRefused((Fault((), f"is not YAML: {str(broken).splitlines()[0]}"),), file) from None
    except RecursionError:
        raise CalendarRefused((Fault((), "is nested too deeply for a calendar year"),), file) from None
    except _Refusal as refusal:
        raise CalendarRefused((Fault(refusal.path, refusal.sentence),), file, refusal.line) from None
    if not isinstance(written, dict):
        raise CalendarRefused((Fault((), "is not a calendar year: a mapping with year, notice, days_off"),), file)
    try:
        return deserialise(written)
    except CalendarRefused as refused:
        raise CalendarRefused(refused.faults, file, _line(refused.faults[0].path, lines)) from None


def read_years(folder: Path) -> list[CalendarYear]:
    """All years of a folder, in order. A file under another name than ``<year>.yaml`` is refused, not passed over."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in files:
        if not re.fullmatch(r"\d{4}\.yaml", file.name) and not file.name.startswith("."):
            raise _refused(file, None, "is not named <year>.yaml: it would be no part of the calendar")
    return [read_year(file) for file in files if not file.name.startswith(".")]


def load_calendar(folder: Path) -> WorkingCalendar:
    """The calendar of a folder's years; ``NoCalendar`` when there is none, ``CalendarsContradict``."""
    return assemble(read_years(folder))


class _Refusal(Exception):
    def __init__(self, path: _Path, sentence: str, line: int) -> None:
        super().__init__(sentence)
        self.path, self.sentence, self.line = path, sentence, line


def _survey(node: yaml.Node, path: _Path, lines: dict[_Path, int], open_nodes: set[int]) -> None:
    """Note the line of every value; YAML itself would let the second of two equal keys win, and aliases grow."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return
    if id(node) in open_nodes:
        raise _Refusal(path, "anchors and aliases have no place in a calendar year", lines[path])
    open_nodes.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _survey(item, (*path, index), lines, open_nodes)
        return
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Refusal(path, "a key is a word", key.start_mark.line + 1)
        if key.value in seen:
            raise _Refusal((*path, key.value), "stands here twice", key.start_mark.line + 1)
        seen.add(key.value)
        _survey(value, (*path, key.value), lines, open_nodes)
        lines[*path, key.value] = key.start_mark.line + 1


def _line(path: _Path, lines: dict[_Path, int]) -> int | None:
    """The line of the innermost value on the path that stands in the file (a missing key stands nowhere)."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _refused(file: Path, line: int | None, sentence: str) -> CalendarRefused:
    return CalendarRefused((Fault((), sentence),), file.name, line)
