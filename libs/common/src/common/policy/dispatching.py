"""By which principles a work order goes to a unit, and which part a unit plays."""

from typing import Literal

from common.basis import Basis
from common.policy.ruled import Entry, Part, Register


class Principle(Entry):
    """A principle an assignment may name."""


class Role(Entry):
    """The part a unit plays. ``reports_to``: whom its result goes to."""

    reports_to: Literal["requester", "lead"]


class Dispatching(Part):
    """派单 (双鸭山 第十四条)."""

    principles: Register[Principle]
    roles: Register[Role]

    def basis_of_lead(self) -> tuple[Basis, ...]:
        """Why some things are the lead's alone (双鸭山 第十四条); empty where the pack knows no lead."""
        lead = self.roles.get("lead")
        return () if lead is None else (lead.basis,)
