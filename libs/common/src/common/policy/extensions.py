"""延期: until when, how often and how long a unit may ask, what a rule denies, and what a reviewer must argue."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.basis import Basis
from common.policy.refusals import Problem
from common.policy.ruled import Code, Entry, Part, Register, Stated

ExtensionField = Literal["reason", "plan", "papers"]
Mechanism = Literal["missing_field", "late", "too_many"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at: the fields the unit filled in, whether it came late (None: no window applies), and which
    of the counted requests it is."""

    given: Collection[str]
    late: bool | None
    nth: int


class ExtensionDenial(Entry):
    """A ground on which an extension is denied. One decided by rule names the mechanism that establishes it."""

    decided_by: Literal["rule", "person"]
    mechanism: Mechanism | None = None

    @model_validator(mode="after")
    def _rule_has_mechanism(self) -> Self:
        if (self.decided_by == "rule") != (self.mechanism is not None):
            raise ValueError("a ground decided by rule names its mechanism, and one decided by a person has none")
        return self


class Extensions(Part):
    """延期 (双鸭山 第二十条). ``counted_by``: requests of the ticket together, or of each unit that held it apart."""

    denied_when_missing: Stated[tuple[ExtensionField, ...]]
    most_requests: Stated[Annotated[int, Field(ge=1, strict=True)]]
    counted_by: Stated[Literal["ticket", "unit"]]
    longest: Stated[Literal["the_limit_itself"]]
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
        return self

    def missing(self, asked: Asked) -> tuple[str, ...]:
        return tuple(field for field in self.denied_when_missing.value if field not in asked.given)

    def denied_by_rule(self, asked: Asked) -> ExtensionDenial | None:
        """The first of the pack's grounds on which no person is needed, or none: a reviewer decides."""
        holds: Mapping[str, bool] = {
            "missing_field": bool(self.missing(asked)),
            "late": bool(asked.late),
            "too_many": asked.nth > self.most_requests.value,
        }
        grounds = self.denial_grounds.values()
        return next((ground for ground in grounds if ground.mechanism and holds[ground.mechanism]), None)

    def departures(self, type: str | None, *, longer: bool) -> tuple[Basis, ...]:
        """What a grant departs from and must be argued: "in principle none" of the type, "in general" no longer."""
        in_principle = (self.in_principle_none.basis,) if type in self.in_principle_none.value else ()
        return (*in_principle, *((self.longest.basis,) if longer else ()))


def problems_of_extensions(extensions: Extensions, types: Collection[str], kinds: Collection[str]) -> Iterator[Problem]:
    """What it names that other sections do not: ``types`` of tickets, ``kinds`` of limits."""
    for code in extensions.in_principle_none.value:
        if code not in types:
            yield Problem(("extensions", "in_principle_none"), f"no type of ticket is called {code!r}")
    mechanisms = {ground.mechanism for ground in extensions.denial_grounds.values()}
    if ("late" in mechanisms) != ("extension_window" in kinds):
        sentence = "an extension is denied as late exactly where the limits have 'extension_window'"
        yield Problem(("extensions", "denial_grounds"), sentence)
