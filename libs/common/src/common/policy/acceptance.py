"""What is accepted, what is not, and what may become of a call."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from common.policy.ruled import Code, Entry, Part, Register, Ruled, Words

OutcomeCode = Literal["work_order", "answered", "transferred", "declined"]


class Ground(Entry):
    """A ground of non-acceptance (不予受理情形). ``tell`` is what the caller is told.

    ``right_body``: who is in charge instead, where the ground alone determines it. ``needs_legal_basis``: the ground
    points to another law, which is named and stands at ``{legal_basis}`` of what the caller is told.
    """

    tell: Words
    right_body: Words | None = None
    needs_legal_basis: bool = False

    @model_validator(mode="after")
    def _tells_the_law_it_needs(self) -> Self:
        if self.needs_legal_basis is not ("{legal_basis}" in self.tell):
            raise ValueError("a ground that needs a legal basis tells it at {legal_basis}, and no other does")
        return self

    def told(self, legal_basis: str | None) -> str:
        """What the caller is told."""
        return self.tell.format(legal_basis=legal_basis) if self.needs_legal_basis else self.tell


class Outcome(Entry):
    """What becomes of a demand at registration.

    ``consent_required``: the caller's consent is asked for and recorded. ``means``: the forms it takes, with labels.
    """

    consent_required: bool
    means: Mapping[Code, Words] = Field(default_factory=dict)


class RightBody(Ruled):
    """How the caller is told who is in charge, where it can be determined; ``{body}`` is its name."""

    tell: Words

    @model_validator(mode="after")
    def _names_the_body(self) -> Self:
        if "{body}" not in self.tell:
            raise ValueError("the words do not say where {body} stands")
        return self


class Emergency(Ruled):
    """Emergencies (报警求助): passed to a line of ``lines`` or declined on ``ground``, and told at once."""

    lines: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]{3,6}$")], ...],
        Field(min_length=1),
    ]
    ground: Code

    def line_in(self, transferred_to: str) -> str | None:
        """The emergency line that a call was passed to, such as 119 in 消防119; None: it was another body."""
        numbers = re.findall("[0-9]+", transferred_to)
        return next((line for line in self.lines if line in numbers), None)


class Acceptance(Part):
    """受理与不予受理 (双鸭山 第十一条至第十三条)."""

    grounds: Register[Ground]
    outcomes: Register[Outcome]
    right_body: RightBody | None = None
    emergency: Emergency | None = None

    @model_validator(mode="after")
    def _the_emergency_has_its_ground(self) -> Self:
        if self.emergency is not None and self.emergency.ground not in self.grounds:
            raise ValueError(f"no ground of non-acceptance is called {self.emergency.ground!r}")
        return self

    def emergency_of(self, *, ground: str | None = None, transferred_to: str | None = None) -> Emergency | None:
        """The clause on emergencies, if a registration is one: declined on its ground, or passed to one of its lines.

        ``ground`` and ``transferred_to`` are those of ``TicketDeclined`` and ``TicketTransferred``.
        """
        rule = self.emergency
        if rule is None:
            return None
        passed_on = transferred_to is not None and rule.line_in(transferred_to) is not None
        return rule if passed_on or ground == rule.ground else None
