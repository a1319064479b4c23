"""延期: until when, how often and how long a unit may ask, what a rule denies, and what a reviewer must argue."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.basis import Basis
from common.calendar.reckon import Allowance
from common.policy.limits import Span
from common.policy.matching import Situation, When
from common.policy.refusals import Problem
from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated

ExtensionField = Literal["reason", "plan", "papers", "head_approval"]
Mechanism = Literal["missing_field", "late", "too_many", "never", "beyond_total", "not_offered"]
Sort = Literal["ordinary", "special"]
"""延期的种类: the ordinary one, and the long one that some packs know (真如 三（二）2（2）)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at: the fields the unit filled in and the formalities it declares, whether it came late
    (None: no window applies), which of the counted requests it is, how long it is to be beside what was granted
    before."""

    given: Collection[str]
    late: bool | None
    nth: int
    sort: Sort = "ordinary"
    span: Allowance | None = None
    granted_before: tuple[Allowance, ...] = ()
    situation: Situation = field(default_factory=Situation)


class ExtensionDenial(Entry):
    """A ground on which an extension is denied. One decided by rule names the mechanism that establishes it."""

    decided_by: Literal["rule", "person"]
    mechanism: Mechanism | None = None

    @model_validator(mode="after")
    def _rule_has_mechanism(self) -> Self:
        if (self.decided_by == "rule") != (self.mechanism is not None):
            raise ValueError("a ground decided by rule names its mechanism, and one decided by a person has none")
        return self


class Never(Ruled):
    """Tickets whose limit is not extended."""

    when: When


class Total(Ruled, Span):
    """How long all ordinary extensions of a round together may be: a redo has a limit of its own."""


class Each(Ruled, Span):
    """How long one extension is in general."""


class Formality(Entry):
    """What a unit declares to have been done, such as a signature; its paper is kept with the request."""


class SpecialExtension(Part):
    """特殊延期: of lengths that the pack lists, with formalities of its own."""

    spans: Stated[Annotated[tuple[Span, ...], Field(min_length=1)]]
    denied_when_missing: Stated[tuple[ExtensionField, ...]]
    formalities: Register[Formality]

    def offers(self, span: Allowance | None) -> bool:
        return span in {one.allowance for one in self.spans.value}


class Extensions(Part):
    """延期 (双鸭山 第二十条). ``counted_by``: requests of the ticket together, or of each unit that held it apart.

    ``approved_by``: a reviewer, unless said otherwise; the unit's own head, or nobody (``notice``): then it is granted
    as it is asked for, where no rule denies it. ``most_requests`` and ``longest`` left out: not limited so.
    """

    denied_when_missing: Stated[tuple[ExtensionField, ...]]
    most_requests: Stated[Annotated[int, Field(ge=1, strict=True)]] | None = None
    counted_by: Stated[Literal["ticket", "unit"]]
    longest: Stated[Literal["the_limit_itself"]] | None = None
    each: Each | None = None
    total: Total | None = None
    never: Never | None = None
    special: SpecialExtension | None = None
    approved_by: Stated[Literal["reviewer", "unit_head", "notice"]] | None = None
    in_principle_none: Stated[tuple[Code, ...]]
    effective: Stated[Literal["when_agreed"]]
    requester_told_by: Stated[Literal["unit"]]
    denial_grounds: Register[ExtensionDenial]

    @model_validator(mode="after")
    def _mechanisms_once(self) -> Self:
        used = [ground.mechanism for ground in self.denial_grounds.values() if ground.mechanism]
        if twice := sorted({name for name in used if used.count(name) > 1}):
            raise ValueError(f"two grounds of denial rest on the mechanism {twice[0]!r}")
        if self.denied_when_missing.value and "missing_field" not in used:
            raise ValueError("a missing field is to be denied by rule, but no ground has the mechanism 'missing_field'")
        needed: Mapping[Mechanism, object] = {
            "too_many": self.most_requests,
            "never": self.never,
            "beyond_total": self.total,
            "not_offered": self.special,
        }
        for mechanism, value in needed.items():
            if (mechanism in used) != (value is not None):
                raise ValueError(f"the mechanism {mechanism!r} of a ground and the value behind it stand together")
        if self.by_head and "head_approval" not in self.denied_when_missing.value:
            raise ValueError("the unit's head approves, yet a request without head_approval is not denied")
        return self

    @property
    def by_head(self) -> bool:
        return self.approved_by is not None and self.approved_by.value == "unit_head"

    @property
    def needs_reviewer(self) -> bool:
        """Whether a person at the platform decides what no rule denies."""
        return self.approved_by is None or self.approved_by.value == "reviewer"

    def missing(self, asked: Asked) -> tuple[str, ...]:
        special = self.special if asked.sort == "special" else None
        fields = (special or self).denied_when_missing.value
        formalities = tuple(special.formalities) if special is not None else ()
        return tuple(name for name in (*fields, *formalities) if name not in asked.given)

    def denied_by_rule(self, asked: Asked) -> ExtensionDenial | None:
        """The first of the pack's grounds on which no person is needed, or none: a reviewer decides."""
        holds: Mapping[str, bool] = {
            "missing_field": bool(self.missing(asked)),
            "late": bool(asked.late),
            "too_many": self.most_requests is not None and asked.nth > self.most_requests.value,
            "never": self.never is not None and self.never.when.holds(asked.situation),
            "beyond_total": asked.sort == "ordinary" and self._beyond_total(asked),
            "not_offered": asked.sort == "special" and (self.special is None or not self.special.offers(asked.span)),
        }
        grounds = self.denial_grounds.values()
        return next((ground for ground in grounds if ground.mechanism and holds[ground.mechanism]), None)

    def _beyond_total(self, asked: Asked) -> bool:
        """Whether all extensions together would be longer than the pack allows; other units of time do not compare."""
        if self.total is None or asked.span is None:
            return False
        unit = self.total.unit
        spans = [span for span in (*asked.granted_before, asked.span) if span.unit == unit]
        return asked.span.unit != unit or sum(span.amount for span in spans) > self.total.amount

    def departures(self, type: str | None, *, longer: bool) -> tuple[Basis, ...]:
        """What a grant departs from and must be argued: "in principle none" of the type, "in general" no longer."""
        in_principle = (self.in_principle_none.basis,) if type in self.in_principle_none.value else ()
        general = self.each or self.longest
        return (*in_principle, *((general.basis,) if longer and general is not None else ()))


def problems_of_extensions(extensions: Extensions, types: Collection[str], kinds: Collection[str]) -> Iterator[Problem]:
    """What it names that other sections do not: ``types`` of tickets, ``kinds`` of limits."""
    for code in extensions.in_principle_none.value:
        if code not in types:
            yield Problem(("extensions", "in_principle_none"), f"no type of ticket is called {code!r}")
    mechanisms = {ground.mechanism for ground in extensions.denial_grounds.values()}
    if ("late" in mechanisms) != ("extension_window" in kinds):
        sentence = "an extension is denied as late exactly where the limits have 'extension_window'"
        yield Problem(("extensions", "denial_grounds"), sentence)
    if extensions.special is not None and "special_extension_window" not in kinds:
        sentence = "special extensions are possible, but nothing is said about 'special_extension_window'"
        yield Problem(("extensions", "special"), sentence)
