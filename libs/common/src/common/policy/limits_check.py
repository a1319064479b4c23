"""The limits of a pack by their dates and rows: gaps, rows that never win, laws of which neither goes first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import combinations, product

from common.policy.limits import LimitRule, Limits
from common.policy.matching import Situation, TextTest, When
from common.policy.refusals import Place, Problem
from common.policy.ruled import Period
from common.policy.ticket import TicketSection


def problems_of_limits(effective: Period, ticket: TicketSection, limits: Limits) -> Iterator[Problem]:
    """Everything wrong with the rows of tables and overlays, which are well-formed each by itself."""
    yield from _dates(effective, limits)
    yield from _gaps_and_shadows(effective, ticket, limits)
    yield from _overlays(effective, ticket, limits)


def row_of(kind: str, index: int) -> Place:
    """Where a row of a table stands."""
    return ("limits", "kinds", kind, "rules", index)


def _dates(effective: Period, limits: Limits) -> Iterator[Problem]:
    for kind, table in limits.tables.items():
        for index, rule in enumerate(table.rules):
            if rule.effective is not None and not rule.effective.within(effective):
                place = (*row_of(kind, index), "effective")
                yield Problem(place, "the row is dated outside the time for which the pack is in force")
        for (_, first), (index, second) in combinations(enumerate(table.rules), 2):
            if first.when == second.when and (first.effective or effective).overlaps(second.effective or effective):
                sentence = f"two rows of {kind} for the same situation have overlapping dates"
                yield Problem((*row_of(kind, index), "effective"), sentence)


def _overlays(effective: Period, ticket: TicketSection, limits: Limits) -> Iterator[Problem]:
    """What is wrong with laws' own limits: their dates, rows that never win, and two laws of which neither goes first.

    They leave no gap: where no row of a law applies, the table's count.
    """
    overlays = limits.overlays or {}
    for code, overlay in overlays.items():
        place: Place = ("limits", "overlays", code)
        period = overlay.effective or effective
        if not period.within(effective):
            yield Problem((*place, "effective"), "the overlay is dated outside the time for which the pack is in force")
        for kind, rules in overlay.tables.items():
            for index, rule in enumerate(rules):
                if rule.effective is not None and not rule.effective.within(period):
                    sentence = f"the row is dated outside the time for which {code!r} holds"
                    yield Problem((*place, "kinds", kind, index, "effective"), sentence)
            for (_, first), (index, second) in combinations(enumerate(rules), 2):
                if first.when == second.when and (first.effective or period).overlaps(second.effective or period):
                    sentence = f"two rows of {kind} for the same situation have overlapping dates"
                    yield Problem((*place, "kinds", kind, index), sentence)
            yield from _shadowed(place, kind, rules, period, ticket, overlay.when)
            if limits.counts_as(kind) != kind:
                sentence = f"{kind} follows {limits.counts_as(kind)}, whose rows count for it: write them there"
                yield Problem((*place, "kinds", kind), sentence)
            if kind not in limits.law_overrides.kinds:
                sentence = f"law_overrides does not name {kind!r}, so that nothing says a law goes before the table"
                yield Problem((*place, "kinds", kind), sentence)
    for one, other in combinations(overlays.values(), 2):
        same = sorted(set(one.tables) & set(other.tables))
        days = (one.effective or effective).overlaps(other.effective or effective)
        if one.priority != other.priority or not same or not days:
            continue
        asked = [*one.when.nested(), *other.when.nested()]
        if any(one.when.holds(found) and other.when.holds(found) for found in _told_apart(ticket, asked)):
            sentence = f"{one.code!r} and {other.code!r} hold together for {same[0]}, and neither goes before the other"
            yield Problem(("limits", "overlays", other.code, "priority"), sentence)


def _shadowed(
    place: Place, kind: str, rules: tuple[LimitRule, ...], period: Period, ticket: TicketSection, within: When
) -> Iterator[Problem]:
    """Rows of an overlay that earlier ones always beat, or that no ticket of the overlay's meets."""
    asked = [*within.nested(), *(part for rule in rules if rule.when for part in rule.when.nested())]
    days = {period.from_, *(rule.effective.from_ for rule in rules if rule.effective)}
    winners: set[int] = set()
    for situation in _told_apart(ticket, asked):
        if within.holds(situation):
            for day in days:
                winners |= {id(rule) for rule in [one for one in rules if one.applies(situation, day)][:1]}
    for index, rule in enumerate(rules):
        if id(rule) not in winners:
            sentence = f"row {index + 1} of {kind} never decides anything: earlier rows win, or the overlay's `when`"
            yield Problem((*place, "kinds", kind, index), sentence)


def _gaps_and_shadows(effective: Period, ticket: TicketSection, limits: Limits) -> Iterator[Problem]:
    for kind, table in limits.tables.items():
        if table.follows is not None:
            continue
        days = {effective.from_, *(rule.effective.from_ for rule in table.rules if rule.effective)}
        situations = list(_situations(ticket, table.rules))
        winners: set[int] = set()
        uncovered: dict[str, date] = {}
        for day in sorted(days):
            for situation in situations:
                rule = limits.tabled(kind, situation, day)
                if rule is not None:
                    winners.add(id(rule))
                else:
                    uncovered.setdefault(situation.type or "", day)
        for code, day in uncovered.items():
            sentence = (
                f"{kind} says nothing for the type {code!r} from {day} on; no limit is said with `no_limit: true`"
            )
            yield Problem(("limits", "kinds", kind, "rules"), sentence)
        for index, rule in enumerate(table.rules):
            if id(rule) not in winners:
                yield Problem(
                    row_of(kind, index), f"row {index + 1} of {kind} never decides anything: earlier rows win"
                )


def _situations(ticket: TicketSection, rules: tuple[LimitRule, ...]) -> Iterator[Situation]:
    """Situations that tell the rows apart."""
    together = [
        frozenset(text for part in rule.when.nested() for text in _texts(part.marks)) for rule in rules if rule.when
    ]
    return _told_apart(ticket, [part for rule in rules if rule.when for part in rule.when.nested()], together)


def _told_apart(
    ticket: TicketSection, conditions: list[When], together: list[frozenset[str]] | None = None
) -> Iterator[Situation]:
    """Each type, and each channel, mark or value that some condition asks for; ``together``: marks of one row."""
    categories = [None, *dict.fromkeys(text for part in conditions for text in _texts(part.category))]
    urgencies = [None, *dict.fromkeys(text for part in conditions for text in _texts(part.urgency))]
    numbers = {
        number
        for part in conditions
        if part.round
        for number in (part.round.eq, part.round.gte, part.round.lte, *(part.round.in_ or ()))
        if number is not None
    }
    rounds = sorted({1} | {near for number in numbers for near in (number - 1, number, number + 1) if near >= 1})
    if together is None:
        together = [frozenset(text for part in conditions for text in _texts(part.marks))]
    marks_asked = any(part.marks for part in conditions)
    single = (frozenset({mark}) for mark in ticket.marks) if marks_asked else ()
    marked = dict.fromkeys((frozenset[str](), *single, *together))
    channels = tuple(ticket.channels) if any(part.channel for part in conditions) else tuple(ticket.channels)[:1]
    people = list(_people(conditions))
    for code, channel, marks, category, urgency, round_, person in product(
        ticket.types, channels, marked, categories, urgencies, rounds, people
    ):
        yield replace(person, type=code, channel=channel, category=category, urgency=urgency, marks=marks, round=round_)


def _people(conditions: list[When]) -> Iterator[Situation]:
    """Situations that differ in who asks and how many units handle it, as far as some row asks for that."""

    def asked(name: str, otherwise: bool) -> tuple[bool, ...]:
        return (False, True) if any(getattr(one, name) is not None for one in conditions) else (otherwise,)

    counts = (0, 1) if any(condition.co_handlers for condition in conditions) else (0,)
    for anonymous, contact, confidential, count in product(
        asked("anonymous", False), asked("contact", True), asked("confidential", False), counts
    ):
        yield Situation(anonymous=anonymous, contact=contact, confidential=confidential, co_handlers=count)


def _texts(test: TextTest | None) -> tuple[str, ...]:
    if test is None:
        return ()
    return test.codes() + ((test.prefix,) if test.prefix is not None else ())
