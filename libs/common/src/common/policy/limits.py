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

Anchor = Literal["dispatched"]
"""The fact a limit runs from: ``dispatched``, the instant the round's work order reached the unit."""


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
    """The rows of one kind, first match wins, with what all of them share."""

    anchor: Stated[Anchor]
    warn_before: Lamp | None = None
    rules: Annotated[tuple[LimitRule, ...], Field(min_length=1)]


class Counting(Ruled):
    """How days are counted (民法典 第二百零一条、第二百零三条). ``day_end`` "24:00" or the close of business."""

    day_end: Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
    roll: bool

    @property
    def close_of_business(self) -> time | None:
        return None if self.day_end == "24:00" else time.fromisoformat(self.day_end)


class LawOverrides(Ruled):
    """Kinds for which a law's own limit, recorded on the ticket, takes the place of the table's."""

    kinds: tuple[Kind, ...]


def _known_kinds(data: object) -> object:
    if isinstance(data, Mapping):
        unknown = [kind for kind in data if kind not in DUTIES and kind not in WINDOWS]
        if unknown:
            raise ValueError(f"unknown kind of limit {', '.join(repr(kind) for kind in unknown)}")
    return data


class Limits(Part):
    """时限 (双鸭山 第十六条、第十八条)."""

    counting: Counting
    law_overrides: LawOverrides
    tables: Annotated[Mapping[str, LimitTable], BeforeValidator(_known_kinds), Field(alias="kinds", min_length=1)]

    @model_validator(mode="after")
    def _lamps_on_duties_only(self) -> Self:
        for kind, table in self.tables.items():
            if kind in WINDOWS and table.warn_before is not None:
                raise ValueError(f"{kind} is a window and lapses without a lamp, yet has warn_before")
            if kind in DUTIES and table.warn_before is None:
                raise ValueError(f"{kind} is a duty and does not say warn_before")
        return self

    def find(self, kind: str, situation: Situation, on: date | None = None) -> Limit | NoLimit | None:
        """The limit of that kind for the situation; None: the pack has no such kind, the mechanism is off.

        ``on`` is the local day whose rules count; without it, the rules without a last day.
        """
        table = self.tables.get(kind)
        rule = self.deciding(kind, situation, on)
        if table is None or rule is None:
            return None
        if rule.allowance is None:
            return NoLimit(kind=kind, basis=rule.basis)
        readings = [text for text in (rule.assumption, table.anchor.assumption) if text]
        return Limit(
            kind=kind,
            allowance=rule.allowance.allowance,
            anchor=table.anchor.value,
            warn_before=table.warn_before.allowance if table.warn_before else None,
            day_end=self.counting.close_of_business,
            roll=self.counting.roll,
            window=kind in WINDOWS,
            basis=rule.basis.model_copy(update={"assumption": "；".join(readings) or None}),
        )

    def deciding(self, kind: str, situation: Situation, on: date | None = None) -> LimitRule | None:
        """The first row that applies."""
        table = self.tables.get(kind)
        return next((rule for rule in table.rules if rule.applies(situation, on)), None) if table else None

    def kinds(self) -> tuple[str, ...]:
        """Every kind the pack knows, duties and windows."""
        return tuple(self.tables)

    def duties(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.tables if kind in DUTIES)

    def windows(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.tables if kind in WINDOWS)
