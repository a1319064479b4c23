"""What a work order consists of, in this jurisdiction's words."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated

NUMBER_FORMAT = r"^[A-Z]{2,6}\{date:%Y%m%d\}\{seq:0[4-9]d\}$"


class TypeRule(Entry):
    """A type of demand (诉求类型)."""


class Channel(Entry):
    """A way demands come in (受理渠道).

    ``handed_down``: another platform hands its tickets down; their number there is owed, and it may impose a limit.
    """

    handed_down: bool = False


class Mark(Entry):
    """A mark beside the type. ``set_by`` an agent at registration, or by a rule."""

    set_by: Literal["agent", "rule"]


class RequesterKind(Entry):
    """Who may be a requester (诉求人)."""


class Element(Entry):
    """A part every work order has. ``given_by`` says whether the agent must enter it or the suite fills it in."""

    given_by: Literal["agent", "suite"]


class Numbering(Ruled):
    """The form of a ticket's number: letters, local day, running number of that day."""

    format: Annotated[str, StringConstraints(pattern=NUMBER_FORMAT)]


class Anonymity(Ruled):
    """What an anonymous requester may leave out."""

    contact_required: bool


class TicketSection(Part):
    """工单要素 (双鸭山 第二条、第十一条、第十六条)."""

    types: Register[TypeRule]
    channels: Register[Channel]
    marks: Register[Mark]
    requester_kinds: Register[RequesterKind]
    required_elements: Register[Element]
    numbering: Numbering
    anonymity: Anonymity
    settled_elements: Stated[tuple[Code, ...]]

    @property
    def marks_of_rules(self) -> frozenset[str]:
        """The marks that nobody enters or drops: rules set them."""
        return frozenset(code for code, mark in self.marks.items() if mark.set_by == "rule")

    @property
    def contact_optional_when_anonymous(self) -> bool:
        return not self.anonymity.contact_required

    @property
    def number_format(self) -> str:
        return self.numbering.format

    def format_number(self, local_date: date, seq: int) -> str:
        """The number of the ``seq``-th ticket (from 1) registered on that local day."""
        if seq < 1:
            raise ValueError(f"tickets of a day are counted from 1, not {seq}")
        return self.numbering.format.format(date=local_date, seq=seq)

    def missing_elements(
        self, given: Collection[str], *, anonymous: bool, settled: bool = False
    ) -> tuple[Element, ...]:
        """Elements the agent still owes; an anonymous requester has no name, and need have no contact.

        ``settled``: no work order is made of the demand, and it needs no more than ``settled_elements``.
        """
        excused = set[str]()
        if anonymous:
            excused.add("requester")
            if self.contact_optional_when_anonymous:
                excused.add("contact")
        return tuple(
            element
            for element in self.required_elements.values()
            if element.given_by == "agent"
            and element.code not in excused
            and element.code not in given
            and (not settled or element.code in self.settled_elements.value)
        )
