"""What is known of a ticket when a fact comes, and what the fact changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from .deadlines import Deadline
from .docket import Docket
from .facts import Fact
from .verdicts import Step


@dataclass(frozen=True, slots=True)
class Change:
    """What a fact changed: the docket as it is now, what became of deadlines, which ones begin.

    ``then``: what had become of those already, when the facts about them are known at once.
    """

    docket: Docket
    opened: tuple[Deadline, ...] = ()
    steps: tuple[Step, ...] = ()
    then: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a fact comes: the docket, all deadlines, and the ticket's facts so far, in their order."""

    docket: Docket
    rows: Sequence[Deadline]
    facts: Sequence[Fact] = field(default=())

    def open(self, *kinds: str, round_: int | None = None, case: UUID | None = None) -> list[Deadline]:
        """Deadlines that still run; only of these kinds, this round, this case, where they are given."""
        return [
            row
            for row in self.rows
            if row.open
            and (not kinds or row.kind in kinds)
            and (round_ is None or row.round == round_)
            and (case is None or row.case == case)
        ]
