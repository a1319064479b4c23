"""A small model of a ticket's life: where it stands, and what a command is that is sent about it.

The statuses come from the table of ``dispatch.lifecycle``; who may act, and what review and intake keep beside it, is
written down in this folder once more, in the plainest way. Nothing here knows the suite.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from common.clock import new_id
from common.events.vocabulary import Status
from dispatch.lifecycle import HELD, MOVES, Command

A, B, C, COUNTY, BELOW_A = (f"shuangyashan.{name}" for name in ("a", "b", "c", "county", "below-a"))
UNITS: Final = (A, B, C, COUNTY, BELOW_A)
BEFORE_CLOSING: Final = ("awaiting_dispatch", *HELD)


def first_failing(*checks: tuple[bool, int]) -> int:
    """The status of the first check that does not hold; 201 when all do."""
    return next((status for holds, status in checks if not holds), 201)


@dataclass(frozen=True, slots=True)
class Step:
    """One command as it is drawn: the ``which``-th, of those that are possible now or, ``wild``, of all.

    ``who`` and ``pick`` choose among what the life offers; ``fresh`` False names a round or a version that has passed;
    ``yes`` is the command's own yes or no.
    """

    which: int
    wild: bool = False
    who: int = 0
    pick: int = 0
    fresh: bool = True
    yes: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the status it must be answered with, and what it leaves when it is carried out."""

    who: str
    path: str
    body: Mapping[str, Any]
    expect: int
    then: Callable[[dict[str, Any]], None] = lambda _: None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """Something filed with review. ``late``: filed after its window."""

    id: str
    state: str
    late: bool = False
    form: str = ""
    participants: tuple[str, ...] = ()


@dataclass(slots=True)
class Callback:
    id: str
    state: str
    satisfied: bool
    asked: str = ""
    explained: bool = False
    stated: bool = False


def none() -> Case:
    """Nothing has been filed: whoever names it names what is not there."""
    return Case(str(new_id()), "absent")


@dataclass(slots=True)
class Life:
    """One ticket. ``subs``: units that a holder passed it on to; ``asked``: extensions asked for, by unit."""

    ticket: str
    has_contact: bool
    type: str = "complaint"
    status: Status = "awaiting_dispatch"
    round: int = 0
    unit: str | None = None
    co: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()
    signed: set[str] = field(default_factory=set)
    designated: bool = False
    marks: set[str] = field(default_factory=set)
    revision: int = 1
    urged: int = 0
    returned: Case = field(default_factory=none)
    extension: Case = field(default_factory=none)
    asked: dict[str, int] = field(default_factory=dict)
    consultation: Case = field(default_factory=none)
    unresolved: bool = False
    escalation: Case = field(default_factory=none)
    callback: Callback | None = None

    @property
    def holders(self) -> tuple[str, ...]:
        return ((self.unit,) if self.unit else ()) + self.co

    @property
    def workers(self) -> tuple[str, ...]:
        return (*self.holders, *self.subs)

    def somebody(self, step: Step) -> str:
        """The lead three times out of six, or one of those beside it, or a stranger."""
        choices = [self.unit or A] * 3 + [self.co[0] if self.co else B, (*self.subs, BELOW_A)[0], COUNTY]
        return choices[step.who % len(choices)]

    def named(self, step: Step) -> int:
        """The round that the command names."""
        return self.round if step.fresh else self.round + 3

    def listed(self, command: Command) -> bool:
        return (self.status, command) in MOVES

    def moved(self, command: Command) -> None:
        self.status = MOVES[self.status, command].becomes

    def begin_round(self, unit: str, co: tuple[str, ...], *, designated: bool) -> None:
        """A round ends what was pending on the one before."""
        self.end_round()
        self.status, self.round, self.unit, self.co = "dispatched", self.round + 1, unit, co
        self.designated, self.subs, self.signed, self.callback = designated, (), set(), None

    def end_round(self) -> None:
        for case in (self.returned, self.extension):
            if case.state == "queued":
                case.state = "lapsed"

    def ended(self, status: Status) -> None:
        """The ticket's life is over."""
        self.status = status
        self.end_round()
        if self.consultation.state == "convened":
            self.consultation.state = "lapsed"
        if self.escalation.state == "reported":
            self.escalation.state = "lapsed"

    def set_mark(self, mark: str) -> None:
        """A rule's mark; who amends must have read it."""
        if mark not in self.marks:
            self.marks.add(mark)
            self.revision += 1
