"""What a backtest comes to: before and after side by side, added up ticket by ticket."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from common.calendar import WorkingCalendar
from common.policy import Pack
from hotline.backtest.codes import Codes
from hotline.backtest.filings import REFUSED, Filing
from hotline.backtest.judging import Judged, as_recorded, under
from hotline.backtest.lives import Life, NotComparable, Standing, Standings, announced, differing, life_of
from hotline.backtest.record import Record, Story
from sla.deadlines import Identity
from sla.retelling import versions

Says = Literal["met", "missed", "overdue", "open", "stopped", "superseded", "none"]
"""What becomes of a limit: judged; not judged and late, or not late yet; standing still; over without a verdict; the
pack sets none."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One ticket, tried. ``before``: what was announced; ``after``: None where it cannot be judged, for ``reasons``.

    ``checked``: judged again under its own pack, with these ``differences`` (none, or something is wrong), apart from
    ``by_calendar`` limits that stand on an earlier calendar; ``unchecked``: why it could not be. ``policies``: the
    versions under which it lived.
    """

    number: str
    before: Standings = field(default_factory=dict)
    after: Judged | None = None
    reasons: tuple[str, ...] = ()
    checked: bool = False
    differences: tuple[str, ...] = ()
    by_calendar: int = 0
    unchecked: tuple[str, ...] = ()
    policies: frozenset[str] = frozenset()


def trials(record: Record, codes: Codes, calendar: WorkingCalendar) -> Iterator[Trial]:
    """Every ticket of the record, one by one. ``calendar``: what the other pack counts with."""
    for story in record.stories:
        yield _tried(story, record, codes, calendar)


def _tried(story: Story, record: Record, codes: Codes, calendar: WorkingCalendar) -> Trial:
    try:
        life = life_of(story)
    except NotComparable as never:
        return Trial(_number(story), reasons=never.reasons, unchecked=never.reasons)
    before = announced(life.events)
    check = _checked(life, before, record) | {"policies": frozenset(versions(life.docket, life.facts))}
    try:
        after = under(life, codes.pack, calendar, codes)
    except NotComparable as never:
        return Trial(life.number, before, reasons=never.reasons, **check)
    return Trial(life.number, before, after, **check)


def _number(story: Story) -> str:
    return next((number for one in story.events if (number := getattr(one.data, "number", None))), str(story.ticket))


def _checked(life: Life, before: Standings, record: Record) -> dict[str, Any]:
    """The same pack must say what was announced."""
    try:
        again = as_recorded(life, record.packs, record.calendar)
    except NotComparable as never:
        return {"unchecked": never.reasons}
    limits, by_calendar = differing(before, again.limits)
    told = [_difference(one, before.get(one), again.limits.get(one)) for one in limits]
    told += [f"{one.what} {one.case}: {one.recorded} / {one.again}" for one in again.filings if one.contradicts]
    return {"checked": True, "differences": tuple(told), "by_calendar": by_calendar}


def _difference(identity: Identity, then: Standing | None, now: Standing | None) -> str:
    kind, unit, round_, _ = identity
    sides = (f"{one.due_at.isoformat()} {one.state} {one.verdict}" if one else "-" for one in (then, now))
    return f"{kind} {unit or ''} {round_}: {' / '.join(sides)}"


def says(one: Standing | None, as_of: datetime) -> Says:
    if one is None:
        return "none"
    if one.verdict is not None:
        return one.verdict
    if one.state == "ended":
        return "superseded"
    return "overdue" if one.overdue(as_of) else one.state


Place = tuple[str, str]
"""Unit (empty: the authority) and kind."""


@dataclass(slots=True)
class Side:
    """Duties by unit and kind, by what became of them. Windows are no duties."""

    counts: dict[Place, Counter[Says]] = field(default_factory=dict)

    def add(self, limits: Standings, as_of: datetime) -> None:
        for one in limits.values():
            if not one.window:
                self.counts.setdefault((one.unit or "", one.kind), Counter())[says(one, as_of)] += 1

    def of(self, *, unit: str | None = None, kind: str | None = None) -> Counter[Says]:
        """The sum over whatever is not named."""
        found: Counter[Says] = Counter()
        for (owner, what), counted in self.counts.items():
            if unit in (None, owner) and kind in (None, what):
                found += counted
        return found


@dataclass(slots=True)
class Filed:
    """Returns or requests for extension of one unit: what was recorded, and what the rules say now.

    ``undone``: granted then, refused by rule now; ``to_person``: refused by rule then, a reviewer would decide now.
    """

    filed: int = 0
    late_before: int = 0
    late_after: int = 0
    by_rule_before: int = 0
    denied_before: int = 0
    granted_before: int = 0
    refused_after: int = 0
    undone: int = 0
    to_person: int = 0

    def add(self, one: Filing) -> None:
        self.filed += 1
        self.late_before += bool(one.recorded.late)
        self.late_after += bool(one.again.late)
        self.by_rule_before += one.recorded.outcome == "denied_by_rule"
        self.denied_before += one.recorded.outcome == "denied"
        self.granted_before += one.recorded.outcome in ("granted", "granted_by_rule")
        self.refused_after += one.again.outcome in REFUSED
        self.undone += one.undone
        self.to_person += one.recorded.outcome == "denied_by_rule" and one.again.outcome == "person"


@dataclass(slots=True)
class Tally:
    """The figures. Memory grows with units and kinds, not with tickets."""

    as_of: datetime
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    returns: dict[str, Filed] = field(default_factory=dict)
    extensions: dict[str, Filed] = field(default_factory=dict)
    tickets: int = 0
    comparable: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    checked: int = 0
    limits_checked: int = 0
    differing: int = 0
    by_calendar: int = 0
    unchecked: int = 0
    policies: set[str] = field(default_factory=set)

    def add(self, trial: Trial) -> None:
        self.tickets += 1
        self.policies |= trial.policies
        self.checked += trial.checked
        self.unchecked += bool(trial.unchecked)
        self.differing += len(trial.differences)
        self.by_calendar += trial.by_calendar
        self.limits_checked += len(trial.before) if trial.checked else 0
        self.reasons.update(trial.reasons)
        if trial.after is None:
            return
        self.comparable += 1
        self.before.add(trial.before, self.as_of)
        self.after.add(trial.after.limits, self.as_of)
        for one in trial.after.filings:
            by_unit = self.returns if one.what == "return" else self.extensions
            by_unit.setdefault(one.unit, Filed()).add(one)


def kinds_of(packs: Iterable[Pack]) -> frozenset[str]:
    return frozenset(kind for pack in packs for kind in pack.limits.duties())


@dataclass(frozen=True, slots=True)
class Overdue:
    """A duty that is overdue before, after, or both."""

    number: str
    identity: Identity
    before: Standing | None
    after: Standing | None
    said_before: Says
    said_after: Says


def overdue(trial: Trial, as_of: datetime) -> Iterator[Overdue]:
    """The ticket's overdue duties by when they were due."""
    if trial.after is None:
        return
    limits = trial.after.limits
    found = []
    for identity in trial.before.keys() | limits.keys():
        then, now = trial.before.get(identity), limits.get(identity)
        if (then is not None and then.overdue(as_of)) or (now is not None and now.overdue(as_of)):
            found.append(Overdue(trial.number, identity, then, now, says(then, as_of), says(now, as_of)))
    yield from sorted(found, key=lambda one: min(each.due_at for each in (one.before, one.after) if each is not None))


def rate(counted: Counter[Says]) -> tuple[int, int]:
    """Numerator and denominator."""
    return counted["met"], counted["met"] + counted["missed"]
