"""How long something may take: limits by kind and situation, the clock they run on, and the lamps before them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StrictInt, StringConstraints, model_validator

from common.basis import Basis
from common.calendar.reckon import Allowance, Unit
from common.policy.matching import Situation, When
from common.policy.ruled import Part, Period, Ruled, Stated

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

Anchor = Literal["dispatched", "returned", "convened", "unresolved", "supervised"]
"""The fact a limit runs from.

``dispatched``: the instant the round's work order reached the unit. ``returned``: a return was filed. ``convened``: a
case of the form that is called as the kind was convened. ``unresolved``: a consultation ended without naming a unit.
``supervised``: a supervision that wants a written reply was issued.
"""

Owner = Literal["lead", "co_handler"]
"""Who owes what runs from a dispatch: 主办 or each 协办. What runs from another fact is its unit's, or the centre's."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for a situation.

    ``day_end`` is the close of business at which a last day ends, None for 24:00; ``roll``: a last day that is not
    worked moves to the next working day. ``warn_before``: how long before the limit the yellow lamp is lit, None for
    windows, which lapse without a lamp. ``basis`` names the clause of the number, with the reading of its anchor.
    """

    kind: str
    allowance: Allowance
    anchor: Anchor
    warn_before: Allowance | None
    day_end: time | None
    roll: bool
    window: bool
    basis: Basis


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
    """One row: for situations in which ``when`` holds, this allowance, or no limit, said outright."""

    when: When | None = None
    allowance: Span | None = None
    no_limit: Literal[True] | None = None
    effective: Period | None = None

    @model_validator(mode="after")
    def _limit_or_none(self) -> Self:
        if (self.allowance is None) == (self.no_limit is None):
            raise ValueError("a limit needs either an allowance or `no_limit: true`")
        return self

    def applies(self, situation: Situation, on: date | None) -> bool:
        return self.in_force(on) and (self.when is None or self.when.holds(situation))

    def in_force(self, on: date | None) -> bool:
        if self.effective is None:
            return True
        return self.effective.to is None if on is None else self.effective.covers(on)


class LimitTable(Part):
    """The rows of one kind, first match wins, with what all of them share; or the kind that it ``follows``.

    What follows another kind has that kind's anchor and rows, and moves with its deadline.
    """

    anchor: Stated[Anchor] | None = None
    follows: Stated[Kind] | None = None
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

    A ticket's own limit goes before the table: first a law's, then what a consultation or its superiors concluded or
    the platform that handed the ticket down imposed, whichever of these was said last.
    """

    counting: Counting
    law_overrides: Overrides
    imposed_limits: Overrides | None = None
    concluded_limits: Overrides | None = None
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
            if table.owed_by is not None and self.anchor(kind) != "dispatched":
                raise ValueError(f"{kind} does not run from the dispatch, so nobody is told by owed_by to owe it")
        return self

    def find(self, kind: str, situation: Situation, on: date | None = None) -> Limit | NoLimit | None:
        """The limit of that kind for the situation; None: the pack has no such kind, the mechanism is off.

        ``on`` is the local day whose rules count; without it, the rules without a last day.
        """
        table, rule = self.tables.get(kind), self.deciding(kind, situation, on)
        if table is None or rule is None:
            return None
        if rule.allowance is None:
            return NoLimit(kind=kind, basis=rule.basis)
        stated = self._rows(kind).anchor
        assert stated is not None  # as the table was read
        readings = [text for text in (rule.assumption, stated.assumption) if text]
        return Limit(
            kind=kind,
            allowance=rule.allowance.allowance,
            anchor=stated.value,
            warn_before=table.warn_before.allowance if table.warn_before else None,
            day_end=self.counting.close_of_business,
            roll=self.counting.roll,
            window=kind in WINDOWS,
            basis=rule.basis.model_copy(update={"assumption": "；".join(readings) or None}),
        )

    def deciding(self, kind: str, situation: Situation, on: date | None = None) -> LimitRule | None:
        """The first row that applies."""
        if kind not in self.tables:
            return None
        return next((rule for rule in self._rows(kind).rules if rule.applies(situation, on)), None)

    def _rows(self, kind: str) -> LimitTable:
        """The table whose rows and anchor count for the kind: its own, or that of the kind it follows."""
        table = self.tables[kind]
        return table if table.follows is None else self.tables[table.follows.value]

    def anchor(self, kind: str) -> Anchor:
        """The fact that a kind of the pack runs from."""
        stated = self._rows(kind).anchor
        assert stated is not None  # as the table was read
        return stated.value

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
