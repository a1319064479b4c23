"""By which principles a work order goes to a unit, which part a unit plays, what it tells who demands the unlawful."""

from typing import Annotated, Literal

from pydantic import Field

from common.basis import Basis
from common.policy.ruled import Code, Entry, Part, Register, Ruled


class Principle(Entry):
    """A principle an assignment or a ruling on responsibility may name.

    ``for_kinds``: only units of these kinds are sent a ticket by it (县（区）兜底). ``below_kinds``: only units that
    stand below one of these kinds in the register (直转). Empty: any unit.
    """

    for_kinds: tuple[Code, ...] = ()
    below_kinds: tuple[Code, ...] = ()


class Role(Entry):
    """The part a unit plays. ``reports_to``: whom its result goes to."""

    reports_to: Literal["requester", "lead"]


class Claims(Ruled):
    """主动认领: a unit takes a ticket that nobody has yet. ``principle``: the one that such a dispatch rests on."""

    principle: Code


Told = Literal["provisions", "consequences"]
"""What can be told to somebody whose demand is against the law: the rules to be kept, what follows in law."""


class LegalExplanation(Ruled):
    """普法宣传: the requester of an unlawful demand is told the law. ``tells``: what must have been told."""

    tells: Annotated[tuple[Told, ...], Field(min_length=1)]


class Dispatching(Part):
    """派单 (双鸭山 第九条、第十四条). What is left out is not provided."""

    principles: Register[Principle]
    roles: Register[Role]
    sub_assignment: Ruled | None = None
    claims: Claims | None = None
    legal_explanation: LegalExplanation | None = None

    def basis_of_lead(self) -> tuple[Basis, ...]:
        """Why some things are the lead's alone (双鸭山 第十四条); empty where the pack knows no lead."""
        lead = self.roles.get("lead")
        return () if lead is None else (lead.basis,)
