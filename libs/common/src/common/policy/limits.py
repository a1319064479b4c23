"""How long something may take: limits by kind and situation, the clock they run on, and the lamps before them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StrictInt, StringConstraints, model_validator

from common.basis import Basis
from common.calendar.reckon import Allowance, Unit
from common.policy.matching import Situation, When
from common.policy.ruled import Entry, Part, Period, Register, Ruled, Stated

Duty = Literal[
    "level1_contact", "first_contact", "sign_in", "first_response", "progress", "closing", "closing_whole", "promised",
    "co_handler_part", "ruling", "designation", "coordination", "consultation", "convening", "escalation",
    "supervision_reply", "push_feedback", "callback", "knowledge_update", "look_back",
]  # fmt: skip
Window = Literal[
    "return_window", "return_late_window", "extension_window", "special_extension_window", "latest_extension"
]
Kind = Duty | Window
DUTIES: tuple[str, ...] = get_args(Duty)
WINDOWS: tuple[str, ...] = get_args(Window)

Anchor = Literal[
    "registered", "dispatched", "signed_in", "promised", "closed", "returned", "convened", "unresolved", "supervised",
    "pushed", "effective",
]  # fmt: skip
"""The fact a limit runs from.

``registered``: the ticket was accepted. ``dispatched``: the instant the round's work order reached the unit.
``signed_in``: the lead took the round on (受理). ``promised``: a progress report named a date; the limit is that date.
``closed``: the closing was accepted. ``pushed``: concentrated demands were pushed to a unit. ``effective``: a policy
took effect that a unit has to enter in the knowledge base. ``returned``: a return was filed. ``convened``: a
case of the form that is called as the kind was convened. ``unresolved``: a consultation ended without naming a unit.
``supervised``: a supervision that wants a written reply was issued.
"""

Owner = Literal["lead", "co_handler"]
"""Who owes what runs from a dispatch or a sign-in: 主办 or each 协办. What runs from another fact is its unit's, or the
centre's."""

CountedFrom = Literal["received", "registered"]
"""From which instant a row is counted that its anchor only sets: the report reached the hotline, or was accepted."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for a situation.

    ``allowance`` None: until the date that was promised. ``counted_from`` None: from the anchor. ``day_end`` is the
    close of business at which a last day ends, None for 24:00; ``roll``: a last day that is not worked moves to the
    next working day. ``earlier_by``: it ends so long before what is counted. ``warn_before``: how long before the limit
    the yellow lamp is lit, None for windows, which lapse without a lamp. ``basis`` names the clause of the number, with
    the reading of its anchor.
    """

    kind: str
    allowance: Allowance | None
    anchor: Anchor
    warn_before: Allowance | None
    day_end: time | None
    roll: bool
    window: bool
    basis: Basis
    counted_from: CountedFrom | None = None
    earlier_by: Allowance | None = None


@dataclass(frozen=True, slots=True)
class NoLimit:
    """The pack says that there is no limit, and why."""

    kind: str
    basis: Basis


class Span(Part):
    """A length of time with its unit."""

    amount: Annotated[StrictInt, Field(gt=0, le=10_000)]
    unit: Unit

    @property
    def allowance(self) -> Allowance:
        return Allowance(self.amount, self.unit)


class Lamp(Ruled, Span):
    """A step of the yellow lamp: lit this long before the limit."""


class LimitRule(Ruled):
    """One row: for situations in which ``when`` holds, this allowance, the promised date, or no limit, said outright.

    ``counted_from``: from an earlier instant than the anchor's; ``roll``: another word than the pack's on a last day
    that is not worked, such as of days counted with weekends.
    """

    when: When | None = None
    allowance: Span | None = None
    promised_date: Literal[True] | None = None
    no_limit: Literal[True] | None = None
    counted_from: CountedFrom | None = None
    roll: bool | None = None
    effective: Period | None = None

    @model_validator(mode="after")
    def _limit_or_none(self) -> Self:
        if [self.allowance, self.promised_date, self.no_limit].count(None) != 2:
            raise ValueError("a limit needs either an allowance or `no_limit: true`")
        return self

    def applies(self, situation: Situation, on: date | None) -> bool:
        return self.holds_on(on) and (self.when is None or self.when.holds(situation))

    def holds_on(self, on: date | None) -> bool:
        if self.effective is None:
            return True
        return self.effective.to is None if on is None else self.effective.covers(on)


class Earlier(Ruled, Span):
    """What ends before the limit that it follows: by so much."""


class LimitTable(Part):
    """The rows of one kind, first match wins, with what all of them share; or the kind that it ``follows``.

    What follows another kind has that kind's anchor and rows, and moves with its deadline; it ends with it, or
    ``earlier_by`` so much. ``lifted_by`` closing: it is no longer owed once the closing was filed in its time.
    """

    anchor: Stated[Anchor] | None = None
    follows: Stated[Kind] | None = None
    earlier_by: Earlier | None = None
    lifted_by: Stated[Literal["closing"]] | None = None
    owed_by: Stated[Annotated[tuple[Owner, ...], Field(min_length=1)]] | None = None
    warn_before: Lamp | None = None
    rules: tuple[LimitRule, ...] = ()

    @model_validator(mode="after")
    def _own_rows_or_anothers(self) -> Self:
        if self.follows is not None:
            if self.anchor is not None or self.rules:
                raise ValueError("a kind that follows another one has no anchor and no rows of its own")
        elif self.anchor is None:
            raise ValueError("a kind says its anchor, or which kind it follows")
        elif not self.rules:
            raise ValueError("a kind needs a row, or a kind that it follows")
        elif self.earlier_by is not None:
            raise ValueError("only a kind that follows another one ends earlier by something")
        for rule in self.rules:
            if (rule.promised_date is not None) and self.anchor is not None and self.anchor.value != "promised":
                raise ValueError("only what runs from a promise ends on the promised date")
        return self

    @property
    def owners(self) -> tuple[Owner, ...]:
        return ("lead",) if self.owed_by is None else self.owed_by.value


class Counting(Ruled):
    """How days are counted (民法典 第二百零一条、第二百零三条). ``day_end`` "24:00" or the close of business."""

    day_end: Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
    roll: bool

    @property
    def close_of_business(self) -> time | None:
        return None if self.day_end == "24:00" else time.fromisoformat(self.day_end)


class Overlay(Entry):
    """A law's own limits for some matters, over the pack's tables (双鸭山 第十六条 “从其规定”).

    Of several that hold, the one with the highest ``priority`` that has the kind. Its rows are tried before the
    table's; where none of them applies, the table's count.
    """

    priority: Annotated[StrictInt, Field(ge=0, le=1000)]
    when: When
    effective: Period | None = None
    tables: Annotated[Mapping[str, tuple[LimitRule, ...]], Field(alias="kinds", min_length=1)]

    def holds(self, situation: Situation, on: date | None) -> bool:
        in_time = self.effective is None or (self.effective.to is None if on is None else self.effective.covers(on))
        return in_time and self.when.holds(situation)


class StopGround(Entry):
    """A ground on which the clock stands still, such as an expert opinion that is waited for.

    ``kinds``: whose clocks. ``agreed_by``: who must agree, or that the unit's notice is enough.
    """

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)]
    agreed_by: Literal["reviewer", "notice"]

    @property
    def by_unit(self) -> bool:
        """Whether the unit's notice is enough, and nobody need agree."""
        return self.agreed_by == "notice"


class Overrides(Ruled):
    """Kinds for which a limit of the ticket's own takes the place of the table's."""

    kinds: tuple[Kind, ...]


def _known_kinds(data: object) -> object:
    if isinstance(data, Mapping):
        unknown = [kind for kind in data if kind not in DUTIES and kind not in WINDOWS]
        if unknown:
            raise ValueError(f"unknown kind of limit {', '.join(repr(kind) for kind in unknown)}")
    return data


class Limits(Part):
    """时限 (双鸭山 第十五条至第十八条、第二十条、第三十二条).

    A ticket's own limit goes before the table: first a law's, of the ticket or of its matter (``overlays``), then what
    a consultation or its superiors concluded or the platform that handed the ticket down imposed, whichever of these
    was said last.

    ``interim``: what a progress report with a promised date does to the closing. ``latest``: the window beyond which no
    ordinary extension reaches. ``law_overrides`` counts for overlays, too.
    """

    counting: Counting
    law_overrides: Overrides
    imposed_limits: Overrides | None = None
    concluded_limits: Overrides | None = None
    overlays: Register[Overlay] | None = None
    clock_stops: Register[StopGround] | None = None
    interim: Stated[Literal["meets_closing", "meets_nothing"]] | None = None
    latest: Stated[Window] | None = None
    tables: Annotated[Mapping[str, LimitTable], BeforeValidator(_known_kinds), Field(alias="kinds", min_length=1)]

    @model_validator(mode="after")
    def _lamps_on_duties_only(self) -> Self:
        for kind, table in self.tables.items():
            if kind in WINDOWS and table.warn_before is not None:
                raise ValueError(f"{kind} is a window and lapses without a lamp, yet has warn_before")
            if kind in DUTIES and table.warn_before is None:
                raise ValueError(f"{kind} is a duty and does not say warn_before")
        return self

    @model_validator(mode="after")
    def _follows_a_kind_with_rows(self) -> Self:
        for kind, table in self.tables.items():
            if table.follows is None:
                continue
            leader = self.tables.get(table.follows.value)
            if leader is None or leader.follows is not None:
                raise ValueError(f"{kind} follows {table.follows.value}, which has no rows to follow")
        return self

    @model_validator(mode="after")
    def _owners_of_what_is_dispatched(self) -> Self:
        for kind, table in self.tables.items():
            if table.owed_by is not None and self.anchor(kind) not in ("dispatched", "signed_in"):
                raise ValueError(f"{kind} does not run from the dispatch, so nobody is told by owed_by to owe it")
        return self

    @model_validator(mode="after")
    def _known_to_the_tables(self) -> Self:
        if self.latest is not None and self.latest.value not in self.tables:
            raise ValueError(f"no extension reaches beyond {self.latest.value!r}, of which the kinds say nothing")
        for overlay in (self.overlays or {}).values():
            if unknown := sorted(set(overlay.tables) - set(self.tables)):
                raise ValueError(f"the overlay {overlay.code!r} has {unknown[0]!r}, which is no kind of the pack")
        for ground in (self.clock_stops or {}).values():
            if unknown := sorted(set(ground.kinds) - set(self.tables)):
                raise ValueError(f"the ground {ground.code!r} stops {unknown[0]!r}, which is no kind of the pack")
        return self

    def find(self, kind: str, situation: Situation, on: date | None = None) -> Limit | NoLimit | None:
        """The limit of that kind for the situation; None: the pack has no such kind, the mechanism is off.

        ``on`` is the local day whose rules count; without it, the rules without a last day.
        """
        rule = self.deciding(kind, situation, on)
        return None if rule is None else self.by(kind, rule)

    def by(self, kind: str, rule: LimitRule) -> Limit | NoLimit:
        """What a row says of that kind of the pack."""
        if rule.no_limit is not None:
            return NoLimit(kind=kind, basis=rule.basis)
        table, stated = self.tables[kind], self._rows(kind).anchor
        assert stated is not None  # as the table was read
        readings = [text for text in (rule.assumption, stated.assumption) if text]
        return Limit(
            kind=kind,
            allowance=rule.allowance.allowance if rule.allowance else None,
            anchor=stated.value,
            warn_before=table.warn_before.allowance if table.warn_before else None,
            day_end=self.counting.close_of_business,
            roll=self.counting.roll if rule.roll is None else rule.roll,
            window=kind in WINDOWS,
            basis=rule.basis.model_copy(update={"assumption": "；".join(readings) or None}),
            counted_from=rule.counted_from,
            earlier_by=table.earlier_by.allowance if table.earlier_by else None,
        )

    def deciding(self, kind: str, situation: Situation, on: date | None = None) -> LimitRule | None:
        """The first row that applies: of a law for such matters, then of the table."""
        return self.overlaid(kind, situation, on) or self.tabled(kind, situation, on)

    def overlaid(self, kind: str, situation: Situation, on: date | None = None) -> LimitRule | None:
        """The row of a law for such matters."""
        if kind not in self.tables:
            return None
        rows = self.counts_as(kind)
        held = [one for one in (self.overlays or {}).values() if rows in one.tables and one.holds(situation, on)]
        ordered = sorted(held, key=lambda one: -one.priority)
        return next((rule for one in ordered for rule in one.tables[rows] if rule.applies(situation, on)), None)

    def tabled(self, kind: str, situation: Situation, on: date | None = None) -> LimitRule | None:
        """The row of the pack's own table."""
        if kind not in self.tables:
            return None
        return next((rule for rule in self._rows(kind).rules if rule.applies(situation, on)), None)

    def untold(self, kind: str, situation: Situation, on: date | None = None) -> tuple[Literal["type", "channel"], ...]:
        """What the row of that kind depends on and the situation does not tell: such a situation decides nothing."""
        asked: list[Literal["type", "channel"]] = []
        for rule in self._rows(kind).rules if kind in self.tables else ():
            for condition in rule.when.nested() if rule.when else ():
                if condition.type is not None and situation.type is None:
                    asked.append("type")
                if condition.channel is not None and situation.channel is None:
                    asked.append("channel")
            if rule.applies(situation, on):
                break
        return tuple(dict.fromkeys(asked))

    def _rows(self, kind: str) -> LimitTable:
        """The table whose rows and anchor count for the kind: its own, or that of the kind it follows."""
        table = self.tables[kind]
        return table if table.follows is None else self.tables[table.follows.value]

    def anchor(self, kind: str) -> Anchor:
        """The fact that a kind of the pack runs from."""
        stated = self._rows(kind).anchor
        assert stated is not None  # as the table was read
        return stated.value

    def runs_from(self, anchor: Anchor) -> tuple[str, ...]:
        """The kinds that run from that fact."""
        return tuple(kind for kind in self.tables if self.anchor(kind) == anchor)

    def followers(self, kind: str) -> tuple[str, ...]:
        """The kinds that move with that one."""
        return tuple(
            name for name, table in self.tables.items() if table.follows is not None and table.follows.value == kind
        )

    def counts_as(self, kind: str) -> str:
        """The kind whose rows count for this one: itself, or the one that it follows."""
        follows = self.tables[kind].follows
        return kind if follows is None else follows.value

    def kinds(self) -> tuple[str, ...]:
        """Every kind the pack knows, duties and windows."""
        return tuple(self.tables)

    def duties(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.tables if kind in DUTIES)

    def windows(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.tables if kind in WINDOWS)
