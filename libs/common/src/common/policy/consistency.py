"""What no single section can see: codes that nobody defines, gaps, rows that never win, overlapping dates."""

from collections.abc import Iterator, Mapping

from common.policy.acceptance import Acceptance
from common.policy.accountability import Accountability
from common.policy.callbacks import Callbacks
from common.policy.dispatching import Dispatching
from common.policy.limits import Limits
from common.policy.limits_check import problems_of_limits, row_of
from common.policy.matching import TextTest, When
from common.policy.notices import Notices
from common.policy.refusals import Place, Problem
from common.policy.restrictions import Restrictions
from common.policy.returns import Returns
from common.policy.ruled import Period
from common.policy.ticket import TicketSection
from common.policy.units import Unit, UnitKind, UnitRegister


def problems_of_sections(
    *,
    jurisdiction: str,
    effective: Period,
    ticket: TicketSection,
    restrictions: Restrictions | None,
    limits: Limits,
    returns: Returns,
    callbacks: Callbacks,
    accountability: Accountability | None = None,
    unit_kinds: Mapping[str, UnitKind],
    units: tuple[Unit, ...],
    dispatching: Dispatching,
    unit_register: UnitRegister | None,
    notices: Notices | None,
    acceptance: Acceptance,
) -> list[Problem]:
    """Everything wrong between sections that are well-formed each by itself."""
    return [
        *_elements(ticket),
        *_restricted_channels(ticket, restrictions),
        *_undefined_codes(ticket, _conditions(limits)),
        *_undefined_codes(ticket, _never_returned(returns)),
        *problems_of_limits(effective, ticket, limits),
        *_returns(returns, limits),
        *_answers(callbacks),
        *_indicator(callbacks, ticket),
        *_accountability(accountability, returns, limits, callbacks),
        *_register(jurisdiction, unit_kinds, units),
        *_dispatching(dispatching, unit_register, unit_kinds),
        *_notices(notices, acceptance, ticket, limits, unit_kinds),
    ]


def _elements(ticket: TicketSection) -> Iterator[Problem]:
    for code in ticket.settled_elements.value:
        if code not in ticket.required_elements:
            yield Problem(("ticket", "settled_elements"), f"no element of a work order is called {code!r}")


def _restricted_channels(ticket: TicketSection, restrictions: Restrictions | None) -> Iterator[Problem]:
    for channel in restrictions.channels.value if restrictions else ():
        if channel not in ticket.channels:
            yield Problem(("restrictions", "channels"), f"no channel is called {channel!r}")


def _undefined_codes(ticket: TicketSection, conditions: Iterator[tuple[Place, When]]) -> Iterator[Problem]:
    for place, condition in conditions:
        tests: tuple[tuple[str, TextTest | None, Mapping[str, object]], ...] = (
            ("type", condition.type, ticket.types),
            ("channel", condition.channel, ticket.channels),
            ("marks", condition.marks, ticket.marks),
        )
        for name, test, known in tests:
            for code in test.codes() if test else ():
                if code not in known:
                    sentence = f"the condition names the {name} {code!r}, which the ticket section does not define"
                    yield Problem((*place, "when"), sentence)


def _never_returned(returns: Returns) -> Iterator[tuple[Place, When]]:
    for condition in returns.never.when.nested() if returns.never else ():
        yield ("returns", "never"), condition


def _conditions(limits: Limits) -> Iterator[tuple[Place, When]]:
    """Every condition of the limits, with the place that it stands in."""
    stated: list[tuple[Place, When | None]] = [
        (row_of(kind, index), rule.when)
        for kind, table in limits.tables.items()
        for index, rule in enumerate(table.rules)
    ]
    for code, overlay in (limits.overlays or {}).items():
        place: Place = ("limits", "overlays", code)
        stated.append((place, overlay.when))
        stated += [
            ((*place, "kinds", kind, index), rule.when)
            for kind, rules in overlay.tables.items()
            for index, rule in enumerate(rules)
        ]
    for place, when in stated:
        for condition in when.nested() if when else ():
            yield place, condition


def _returns(returns: Returns, limits: Limits) -> Iterator[Problem]:
    mechanisms = [ground.mechanism for ground in returns.denial_grounds.values() if ground.mechanism]
    for mechanism in sorted({name for name in mechanisms if mechanisms.count(name) > 1}):
        yield Problem(("returns", "denial_grounds"), f"two grounds of denial rest on the mechanism {mechanism!r}")
    if returns.denied_when_missing.value and returns.denial_ground("missing_reason_or_basis") is None:
        sentence = "a missing field is to be denied by rule, but no ground has the mechanism 'missing_reason_or_basis'"
        yield Problem(("returns", "denied_when_missing"), sentence)
    if (returns.late_window_needs is not None) != ("return_late_window" in limits.tables):
        sentence = "what a return needs in the second window is said exactly where the limits have 'return_late_window'"
        yield Problem(("returns", "late_window_needs"), sentence)
    if "return_window" not in limits.tables:
        yield Problem(("limits", "kinds"), "returns are possible, but nothing is said about 'return_window'")


def _answers(callbacks: Callbacks) -> Iterator[Problem]:
    place: Place = ("callbacks", "archive_when", "answers")
    for question, answers in callbacks.archive_when.answers.items():
        if question not in callbacks.questions:
            yield Problem((*place, question), f"no question is called {question!r}")
            continue
        for answer in answers:
            if answer not in callbacks.questions[question].scale:
                yield Problem((*place, question), f"the scale of {question!r} has no step {answer!r}")


def _notices(
    notices: Notices | None,
    acceptance: Acceptance,
    ticket: TicketSection,
    limits: Limits,
    kinds: Mapping[str, UnitKind],
) -> Iterator[Problem]:
    if notices is None:
        return
    if notices.territory_kind.value not in kinds:
        yield Problem(("notices", "territory_kind"), f"no kind of unit is called {notices.territory_kind.value!r}")
    for code, occasion in notices.occasions.items():
        place: Place = ("notices", "occasions", code)
        if occasion.mark is not None and occasion.mark not in ticket.marks:
            yield Problem((*place, "mark"), f"no mark is called {occasion.mark!r}")
        if occasion.emergency and acceptance.emergency is None:
            yield Problem((*place, "emergency"), "acceptance does not say what an emergency is")
        if occasion.limit is not None and occasion.limit not in limits.tables:
            yield Problem((*place, "limit"), f"the limits say nothing about {occasion.limit!r}")
    for mark in notices.never_quiet_marks.value:
        if mark not in ticket.marks:
            yield Problem(("notices", "never_quiet_marks"), f"no mark is called {mark!r}")


def _indicator(callbacks: Callbacks, ticket: TicketSection) -> Iterator[Problem]:
    indicator = callbacks.indicator
    if indicator is None:
        return
    place = ("callbacks", "indicator")
    for mark in indicator.marks:
        if mark not in ticket.marks:
            yield Problem((*place, "marks"), f"no mark is called {mark!r}")
    for question, answers in indicator.counts.items():
        known = callbacks.questions.get(question)
        for answer in answers:
            if known is None or answer not in known.scale:
                yield Problem((*place, "counts", question), f"no question {question!r} has a step {answer!r}")


def _accountability(
    accountability: Accountability | None, returns: Returns, limits: Limits, callbacks: Callbacks
) -> Iterator[Problem]:
    if accountability is None:
        return
    place = ("accountability", "grounds")
    for code in accountability.unknown_denials(returns.denial_grounds):
        yield Problem(place, f"no ground on which a return is denied is called {code!r}")
    for kind in sorted(accountability.duties() - set(limits.tables)):
        yield Problem(place, f"a ground watches {kind!r}, of which the limits say nothing")
    if accountability.ground_of("low_satisfaction") is not None and callbacks.indicator is None:
        yield Problem(place, "a ground watches satisfaction, but callbacks.indicator does not say what counts")


def _register(jurisdiction: str, kinds: Mapping[str, UnitKind], units: tuple[Unit, ...]) -> Iterator[Problem]:
    parents = {unit.code: unit.parent for unit in units}
    for index, unit in enumerate(units):
        if [other.code for other in units].index(unit.code) != index:
            yield Problem(("units", index, "code"), f"the unit {unit.code!r} stands twice in the register")
        if not unit.code.startswith(f"{jurisdiction}."):
            yield Problem(("units", index, "code"), f"the unit {unit.code!r} is not one of {jurisdiction}")
        if unit.kind not in kinds:
            yield Problem(("units", index, "kind"), f"no kind of unit is called {unit.kind!r}")
        if unit.parent is not None and unit.parent not in parents:
            yield Problem(("units", index, "parent"), f"the parent {unit.parent!r} is not in the register")
        if _stands_under_itself(unit.code, parents):
            yield Problem(("units", index, "parent"), f"the unit {unit.code!r} stands under itself")


def _dispatching(
    dispatching: Dispatching, register: UnitRegister | None, kinds: Mapping[str, UnitKind]
) -> Iterator[Problem]:
    named = [
        (("dispatching", "principles", one.code), kind)
        for one in dispatching.principles.values()
        for kind in (*one.for_kinds, *one.below_kinds)
    ]
    if register is not None and register.on_duty is not None:
        named += [(("unit_register", "on_duty", "kinds"), kind) for kind in register.on_duty.kinds]
    for place, kind in named:
        if kind not in kinds:
            yield Problem(place, f"no kind of unit is called {kind!r}")
    claims = dispatching.claims
    if claims is not None and claims.principle not in dispatching.principles:
        yield Problem(("dispatching", "claims", "principle"), f"no principle is called {claims.principle!r}")


def _stands_under_itself(code: str, parents: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    above = parents[code]
    while above is not None and above not in seen:
        if above == code:
            return True
        seen.add(above)
        above = parents.get(above)
    return False
