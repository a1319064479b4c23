"""What a ruling that names units comes to, read against who holds the ticket."""

from collections.abc import Collection
from dataclasses import dataclass

from common.events.review import ConsultationConcluded, EscalationDecided
from common.events.vocabulary import Designation
from dispatch.lifecycle import Naming


@dataclass(frozen=True, slots=True)
class Named:
    """The units of a conclusion or decision, as they stand today; ``absent``: those that no ticket can be sent to."""

    lead: str | None
    co_handlers: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def can_be_sent(self) -> bool:
        return self.lead is not None and not self.absent


def naming(named: Named | None, holds: str | None, co_handlers: Collection[str]) -> Naming:
    """Whether the ruling names others, confirms who has the ticket, or names units that it cannot be sent to.

    ``holds``: the lead whose round runs, if one does; ``co_handlers``: those beside it.
    A ruling that leaves the lead and adds co-handlers names others: they need a round in which to sign and report.
    """
    if named is None:
        return "unit_named"
    if not named.can_be_sent:
        return "unit_absent"
    same = named.lead == holds and set(named.co_handlers) <= set(co_handlers)
    return "unit_confirmed" if same else "unit_named"


def whose_case(ruling: ConsultationConcluded | EscalationDecided) -> Designation:
    """Who designated the unit (双鸭山 第十五条、第十九条（四）)."""
    if isinstance(ruling, ConsultationConcluded):
        return Designation(by=ruling.form, case=ruling.case)
    return Designation(by="escalation", case=ruling.case)
