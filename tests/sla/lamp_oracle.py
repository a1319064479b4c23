"""What may never be said of lamps, judged from what was announced alone."""

from collections import Counter
from collections.abc import Sequence

from common.events.envelope import Event
from common.events.sla import DeadlineMoved, DeadlineSet, OneDeadline

_LAMPS = ("DeadlineApproaching", "DeadlineBreached")


def faults(announced: Sequence[Event]) -> list[str]:
    """Lamps told twice of one generation, and lamps of a generation that had been replaced; in order of telling."""
    found: list[str] = []
    standing: dict[tuple[object, ...], int] = {}
    told: Counter[tuple[object, ...]] = Counter()
    for event in announced:
        data = event.data
        if isinstance(data, DeadlineSet):
            for row in data.deadlines:
                standing[event.subject, row.kind, row.unit, row.round, row.case] = row.generation
        elif isinstance(data, DeadlineMoved):
            standing[event.subject, data.kind, data.unit, data.round, data.case] = data.generation
        elif isinstance(data, OneDeadline):
            which = (event.subject, data.kind, data.unit, data.round, data.case)
            if event.type == "BreachWithdrawn":
                told[*which, data.generation, "DeadlineBreached"] = 0
            elif event.type in _LAMPS:
                told[*which, data.generation, event.type] += 1
                if told[*which, data.generation, event.type] > 1:
                    found.append(f"told twice: {event.type} of {data.kind} of {event.subject}")
                if data.generation < standing[which]:
                    found.append(f"old generation: {event.type} of {data.kind} of {event.subject}")
    return found
