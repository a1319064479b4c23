"""Returning a work order: grounds, papers, who decides, and what becomes of the clocks."""

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.policy.matching import When
from common.policy.ruled import Entry, Part, Register, Ruled, Stated, Words

ReturnField = Literal["reason", "legal_basis", "suggested_unit", "explanation"]
Mechanism = Literal["missing_reason_or_basis", "designated"]
BlockedCommand = Literal["sign_in", "closing"]


class ReturnGround(Entry):
    """A ground on which a unit may return a work order."""


class DenialGround(Entry):
    """A ground on which a return is denied. One decided by rule names the mechanism in code that establishes it."""

    decided_by: Literal["rule", "person"]
    mechanism: Mechanism | None = None

    @model_validator(mode="after")
    def _rule_has_mechanism(self) -> Self:
        if (self.decided_by == "rule") != (self.mechanism is not None):
            raise ValueError("a ground decided by rule names its mechanism, and one decided by a person has none")
        return self


class NeverReturned(Ruled):
    """Tickets that no unit may return, whoever has them; ``label`` is what the unit is told."""

    label: Words
    when: When


class Returns(Part):
    """退单 (双鸭山 第十八条、第十九条).

    ``late_window_needs``: what a return also needs between the end of 'return_window' and that of 'return_late_window'
    (真如 三（二）3); ``late`` then speaks of what comes after both. ``never``: what is not returned at all.
    """

    grounds_for_return: Register[ReturnGround]
    denial_grounds: Register[DenialGround]
    denied_when_missing: Stated[tuple[ReturnField, ...]]
    late_window_needs: Stated[Annotated[tuple[ReturnField, ...], Field(min_length=1)]] | None = None
    late: Stated[Literal["reviewed_and_marked_overdue", "refused_and_marked_overdue"]]
    never: NeverReturned | None = None
    pending_blocks: Stated[tuple[BlockedCommand, ...]]
    before_sign_in: Stated[Literal["allowed", "refused"]]
    approved: Stated[Literal["clocks_restart"]]
    denied: Stated[Literal["first_clock"]]
    redo_round_may_be_returned: Stated[bool]
    reviewer_recused_for_own_unit: Stated[bool]

    @model_validator(mode="after")
    def _more_is_needed_later(self) -> Self:
        more = self.late_window_needs.value if self.late_window_needs is not None else ()
        if again := sorted(set(more) & set(self.denied_when_missing.value)):
            raise ValueError(f"{again[0]!r} is needed from the beginning, and need not be named for the second window")
        return self

    def denial_ground(self, mechanism: Mechanism) -> DenialGround | None:
        """The ground that this mechanism establishes; none: the pack leaves the mechanism off."""
        return next((ground for ground in self.denial_grounds.values() if ground.mechanism == mechanism), None)

    def missing(self, given: Collection[str], *, late_window: bool = False) -> tuple[ReturnField, ...]:
        """What the return lacks; ``late_window``: it came after the first window and before the end of the second."""
        more = self.late_window_needs.value if late_window and self.late_window_needs is not None else ()
        return tuple(field for field in dict.fromkeys((*self.denied_when_missing.value, *more)) if field not in given)

    def denied_by_rule(
        self, given: Collection[str], *, designated: bool, late_window: bool = False
    ) -> DenialGround | None:
        """The ground on which a return is denied at once, without a person, or none.

        ``given``: the fields the unit filled in. ``designated``: superiors, departments or a consultation named the
        unit for this ticket. 双鸭山 第十九条（二）（四）.
        """
        if self.missing(given, late_window=late_window):
            return self.denial_ground("missing_reason_or_basis")
        if designated:
            return self.denial_ground("designated")
        return None
