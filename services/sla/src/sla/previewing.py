"""Limits in a situation that does not exist: the ticket is imagined, and the rules tell its clocks. Pure.

What begins, is prolonged or stands still is decided by the very functions that decide it for tickets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, cast
from uuid import UUID

from common.basis import Basis
from common.clock import local_date, new_id
from common.events.vocabulary import Anchor, DeadlineKind, ImposedLimit, LegalLimit, Limit
from common.policy import Situation

from .deadlines import Deadline
from .docket import Concluded, Docket, Registration
from .facts import Fact
from .known import Known
from .moves import extended, resumed, stopped
from .plan import ANCHORS, Rules, anchored, set_up
from .verdicts import Step

_EVENTS: Final[Mapping[str, str]] = {anchor: event for event, anchor in reversed(tuple(ANCHORS.items()))}
"""Anchor → the event that it is; of several the first, as ``Dispatched`` of ``dispatched``."""
_LEAD: Final = "lead"
_TICKET: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Prolonged:
    """An extension in effect: so much longer, or until an instant. A special one is not capped."""

    limit: Limit | None
    until: datetime | None
    kind: Literal["ordinary", "special"] = "ordinary"


@dataclass(frozen=True, slots=True)
class StoodStill:
    """A stop of the clock on one of the pack's grounds; not resumed yet: it still stands."""

    ground: str
    stopped_at: datetime
    resumed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Supposed:
    """What is imagined. ``at``: the instant of the fact that a limit runs from, whichever that is for its kind.

    ``received_at`` and ``registered_at`` matter where the pack counts from them; without them, they were at ``at``.
    """

    situation: Situation
    at: datetime
    received_at: datetime | None = None
    registered_at: datetime | None = None
    promised_at: datetime | None = None
    legal_limit: LegalLimit | None = None
    imposed_limit: ImposedLimit | None = None
    imposed_whole: ImposedLimit | None = None
    concluded: Limit | None = None
    extensions: Sequence[Prolonged] = ()
    pauses: Sequence[StoodStill] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """One kind in it. ``deadline`` None: no limit, and ``basis`` says why; nothing is said of a kind that the pack
    does not know (``runs_from`` None)."""

    kind: DeadlineKind
    runs_from: str | None
    basis: tuple[Basis, ...]
    deadline: Deadline | None


class SituationUntold(LookupError):
    """The limit depends on something that the situation does not tell."""

    def __init__(self, kind: str, field: Literal["type", "channel"]) -> None:
        super().__init__(f"{kind} depends on the {field}")
        self.kind = kind
        self.field = field


def expected(rules: Rules, supposed: Supposed, kinds: Iterable[str] | None = None) -> tuple[Expected, ...]:
    """These kinds, or all that the pack knows; a promise only where a date is imagined, unless it is asked for.

    ``NoRuleApplies``, ``OutsideCalendar``, ``SituationUntold``.
    """
    limits = rules.pack.limits
    if kinds is None:
        kinds = (kind for kind in limits.kinds() if limits.anchor(kind) != "promised" or supposed.promised_at)
    docket = _docket(rules, supposed)
    return tuple(_one(rules, supposed, docket, cast(DeadlineKind, kind)) for kind in kinds)


def prolongs(rules: Rules) -> frozenset[str]:
    """The kinds that extensions prolong."""
    return frozenset(("closing", *rules.pack.limits.followers("closing")))


def _one(rules: Rules, supposed: Supposed, docket: Docket, kind: DeadlineKind) -> Expected:
    limits = rules.pack.limits
    if kind not in limits.kinds():
        return Expected(kind, None, (), None)
    runs_from = limits.anchor(kind)
    own = any((supposed.legal_limit, supposed.imposed_limit, supposed.imposed_whole, supposed.concluded))
    if not own and (untold := limits.untold(kind, supposed.situation, local_date(supposed.at))):
        raise SituationUntold(kind, untold[0])
    round_ = 0 if runs_from == "registered" else docket.round
    rule = rules.ruling(kind, docket, round_, supposed.at)
    row = _begun(rules, supposed, docket, kind, round_)
    if row is None:
        return Expected(kind, runs_from, rule.basis if rule else (), None)
    latest = limits.latest  # extensions reach to the end of this window, which runs as well
    rows = [row]
    if latest is not None and latest.value != kind:
        beside = _begun(rules, supposed, docket, latest.value, docket.round)
        rows += [beside] if beside is not None else []
    row = _moved(rules, supposed, docket, rows)
    return Expected(kind, runs_from, row.basis, row)


def _begun(rules: Rules, supposed: Supposed, docket: Docket, kind: str, round_: int) -> Deadline | None:
    runs_from = rules.pack.limits.anchor(kind)
    fact = _fact(_EVENTS[runs_from], supposed)
    case = fact if runs_from not in ("registered", "dispatched", "signed_in") else None
    return set_up(docket, rules, kind, _LEAD, round_, anchored(fact), case)


def _moved(rules: Rules, supposed: Supposed, docket: Docket, rows: list[Deadline]) -> Deadline:
    """The first of them after the extensions and the stops that are imagined."""
    facts: list[Fact] = []
    for each in supposed.extensions:
        case = new_id()
        granted = each.limit.model_dump(mode="json") if each.limit else None
        until = each.until.isoformat() if each.until else None
        said = {"kind": each.kind, "granted": granted, "granted_until": until}
        facts.append(_fact("ExtensionGranted", supposed, case=case, **said))
        rows = _after(rows, extended(Known(docket, rows, facts), _fact("RulingApplied", supposed, case=case), rules))
    for pause in supposed.pauses:
        stop = replace(_fact("ClockStopped", supposed, case=new_id(), ground=pause.ground), at=pause.stopped_at)
        rows = _after(rows, stopped(Known(docket, rows, facts), stop, rules))
        if pause.resumed_at is not None:
            again = [row for row in rows if row.counting.paused]
            rows = _after(rows, resumed(again, pause.resumed_at, stop.event, rules))
    return rows[0]


def _after(rows: Iterable[Deadline], steps: Iterable[Step]) -> list[Deadline]:
    done = {step.deadline.id: step.deadline for step in steps}
    return [done.get(row.id, row) for row in rows]


def _docket(rules: Rules, supposed: Supposed) -> Docket:
    situation, at = supposed.situation, supposed.at
    registered = Anchor(event=_TICKET, at=supposed.registered_at or supposed.received_at or at, type="TicketCreated")
    begun = Anchor(event=_TICKET, at=at, type="Dispatched")
    return Docket(
        ticket=_TICKET,
        number="",
        jurisdiction=rules.pack.jurisdiction,
        policy=rules.pack.version,
        type=situation.type or "",
        channel=situation.channel or "",
        category=situation.category or "",
        marks=tuple(situation.marks),
        legal_limit=supposed.legal_limit,
        round=situation.round,
        unit=_LEAD,
        co_handlers=tuple(f"co_handler_{nth}" for nth in range(situation.co_handlers)),
        former=(),
        partition=0,
        imposed_limit=supposed.imposed_limit,
        concluded=Concluded("consultation", supposed.concluded, begun) if supposed.concluded else None,
        begun=begun,
        handling=True,
        registration=Registration(
            anchor=registered,
            received_at=supposed.received_at or registered.at,
            anonymous=situation.anonymous,
            contact=situation.contact,
            confidential=situation.confidential,
            imposed_whole=supposed.imposed_whole,
        ),
    )


def _fact(type_: str, supposed: Supposed, case: UUID | None = None, **said: Any) -> Fact:
    more: dict[str, Any] = {
        "outcome": "unresolved",
        "reply_due": True,
        "effective_on": local_date(supposed.at).isoformat(),
    }
    if supposed.promised_at is not None:
        more["promised_at"] = supposed.promised_at.isoformat()
    more |= {name: value for name, value in said.items() if value is not None}
    at = supposed.at
    return Fact(new_id(), type_, "preview", at, at, supposed.situation.round, _LEAD, case or new_id(), more)


def grounds_that_stop(rules: Rules, kind: str | None) -> Iterator[str]:
    """The grounds on which the clock of that kind stands still; of any kind, when none is named."""
    for code, ground in (rules.pack.limits.clock_stops or {}).items():
        if kind is None or kind in ground.kinds:
            yield code
