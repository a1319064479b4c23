"""Returns and extensions of a recorded life, looked at by the rules of a pack: what they deny without a person.

What a reviewer decided stays as it was decided; whether a reviewer would decide otherwise, nobody knows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from common.basis import Basis
from common.clock import new_id
from common.events.dispatch import RulingApplied, UnitSucceeded
from common.events.envelope import Event
from common.events.review import (
    ExtensionGranted,
    ExtensionLapsed,
    ExtensionRequested,
    ExtensionRuling,
    ReturnApproved,
    Returned,
    ReturnLapsed,
    ReturnRuling,
)
from common.events.vocabulary import Limit
from common.policy import Pack, Situation
from common.policy.extensions import Extensions
from hotline.backtest.lives import Life
from review.docket import Docket, told_by
from review.extensions import rules as extensions
from review.refusals import FieldRefused, Refused
from review.returns import rules as returns
from review.statuses import HELD
from sla.deadlines import Deadline, Identity
from sla.docket import Docket as Clocks
from sla.facts import Fact, in_order

What = Literal["return", "extension"]
Outcome = Literal["not_filed", "denied_by_rule", "granted_by_rule", "person", "granted", "denied", "lapsed", "pending"]
"""``not_filed``: the door refuses it, so that there is no case. ``person``: no rule decides it, a reviewer does;
``granted`` and ``denied`` are what one decided."""

REFUSED: Final[tuple[Outcome, ...]] = ("not_filed", "denied_by_rule")
_FOLLOWED: Final = frozenset(
    {"TicketCreated", "TicketAmended", "PolicyApplied", "Dispatched", "Reissued", "SubAssigned", "UnitSucceeded"}
    | {"SignedIn", "ClosingReported", "ClosingSentBack", "Closed", "HandlingStopped", "Archived", "RulingApplied"}
)
"""What review's docket follows of other services."""

Clockwork = Callable[[Sequence[Fact]], tuple[Clocks, Mapping[Identity, Deadline]]]
"""What sla's rules tell after these facts."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What became, or would become, of a filing. ``late``: None where no window applies or nobody compared."""

    outcome: Outcome
    ground: str | None = None
    note: str | None = None
    late: bool | None = None
    basis: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True)
class Filing:
    """A return or a request for extension: what was recorded of it, and what the rules say now."""

    what: What
    case: UUID
    unit: str
    round: int
    filed_at: datetime
    recorded: Ruled
    again: Ruled

    @property
    def undone(self) -> bool:
        """A person decided in favour of what the rules now refuse."""
        return self.recorded.outcome in ("granted", "granted_by_rule") and self.again.outcome in REFUSED

    @property
    def contradicts(self) -> bool:
        """Whether the rules of the recorded pack say something else now than was recorded."""
        then, now = self.recorded, self.again
        if then.outcome in ("lapsed", "pending"):
            return False  # nobody compared anything
        by_rule = [one.outcome if one.outcome.endswith("by_rule") else "person" for one in (then, now)]
        if by_rule[0] != by_rule[1] or now.outcome == "not_filed" or then.late != now.late:
            return True
        return then.outcome == "denied_by_rule" and then.ground != now.ground


@dataclass(slots=True)
class Desk:
    """The filings of one life in the order of the bus. ``refused``: requests for extension that take no effect;
    ``added``: the facts of those that a rule grants now and that were not granted then.

    ``pack_of``: the pack that rules while the docket stands so; ``read_as``: how it reads a recorded situation.
    ``facts``: what sla's clocks read.
    """

    life: Life
    facts: Sequence[Fact]
    pack_of: Callable[[Docket], Pack]
    clockwork: Clockwork
    read_as: Callable[[Situation], Situation] = lambda situation: situation
    refused: set[UUID] = field(default_factory=set)
    added: dict[UUID, list[Fact]] = field(default_factory=dict)
    _filed: dict[UUID, Filing] = field(default_factory=dict)
    _returns: dict[UUID, returns.Filing] = field(default_factory=dict)
    _asked: list[tuple[UUID, str]] = field(default_factory=list)
    _granted: dict[UUID, tuple[int, Limit]] = field(default_factory=dict)

    def examine(self) -> tuple[Filing, ...]:
        followed: list[Event] = []
        for event in self.life.events:
            if event.type in _FOLLOWED:
                followed.append(event)
            match event.data:
                case Returned() as told:
                    self._return(told, followed)
                case RulingApplied(designated=str()):
                    self._designated(followed)
                case ExtensionRequested() as asked:
                    self._extension(asked, followed)
                case UnitSucceeded(unit=unit, successor=successor):
                    self._asked = [(case, successor if one == unit else one) for case, one in self._asked]
                case ReturnRuling() | ExtensionRuling() | ReturnLapsed() | ExtensionLapsed() as ended:
                    self._decided(ended)
        return tuple(self._filed.values())

    def counted(self) -> list[Fact]:
        """The facts without the extensions that the rules refuse, and with those that they grant."""
        kept = [fact for fact in self.facts if fact.case not in self.refused or fact.type not in _OF_EXTENSIONS]
        return [*kept, *(fact for pair in self.added.values() for fact in pair)]

    # --- returns ---

    def _return(self, told: Returned, followed: Sequence[Event]) -> None:
        filing = returns.Filing(
            id=told.case,
            ticket=told.ticket,
            round=told.round,
            unit=told.unit,
            state="pending",
            ground=told.ground,
            reason=told.reason,
            legal_basis=told.legal_basis,
            suggested_unit=told.suggested_unit,
            papers=told.papers,
            filed_at=told.occurred_at,
            explanation=told.explanation,
        )
        self._returns[told.case] = filing
        again = self._look_at(filing, followed)
        recorded = Ruled("pending")
        self._filed[told.case] = Filing("return", told.case, told.unit, told.round, told.occurred_at, recorded, again)

    def _look_at(self, filing: returns.Filing, followed: Sequence[Event]) -> Ruled:
        docket = told_by(followed)
        assert docket is not None  # a return is filed of a registered ticket
        pack = self.pack_of(docket)
        # It was filed, so that the round ran and no other return of it waited: what is left is what the pack says.
        status = docket.status if docket.status in HELD else "signed_in"
        try:
            returns.require_returnable(pack.returns, status, round_ended=False, unsettled=None)
        except Refused as refused:
            return Ruled("not_filed", note=refused.detail, basis=refused.basis)
        window = self._window(pack, filing)
        denial = returns.denied_by_rule(
            pack.returns,
            filing,
            window,
            designated=docket.designated,
            redo=docket.redo,
            designation=docket.designation,
            situation=self.read_as(docket.situation),
        )
        late = window.late(filing.filed_at)
        if denial is None:
            return Ruled("person", late=late, basis=(pack.returns.late.basis,) if late else ())
        return Ruled("denied_by_rule", denial.ground, denial.note, denial.late, denial.basis)

    def _window(self, pack: Pack, filing: returns.Filing) -> returns.Window:
        if "return_window" not in pack.limits.kinds():
            return returns.Window(None)
        place = (filing.unit, filing.round, filing.filed_at)
        row, second = self._row("return_window", *place), self._row("return_late_window", *place)
        if row is None:
            return returns.Window(None)
        return returns.Window(row.due_at, row.basis, second.due_at if second is not None else None)

    def _designated(self, followed: Sequence[Event]) -> None:
        """A unit was designated while its return waited for a reviewer: the rule decides now."""
        docket = told_by(followed)
        assert docket is not None
        for case, filing in self._returns.items():
            waits = self._filed[case].recorded.outcome == "pending" and self._filed[case].again.outcome == "person"
            if waits and (filing.round, filing.unit) == (docket.round, docket.unit):
                self._filed[case] = replace(self._filed[case], again=self._look_at(filing, followed))

    # --- extensions ---

    def _extension(self, asked: ExtensionRequested, followed: Sequence[Event]) -> None:
        again = self._look_at_request(asked, followed)
        if again.outcome in REFUSED:
            self.refused.add(asked.case)
        if again.outcome == "granted_by_rule" and asked.requested is not None:
            self._granted[asked.case] = (asked.round, asked.requested)
            self.added[asked.case] = _effective(asked, asked.requested)
        if again.outcome != "not_filed":
            self._asked.append((asked.case, asked.unit))
        place = (asked.case, asked.unit, asked.round, asked.occurred_at)
        self._filed[asked.case] = Filing("extension", *place, Ruled("pending"), again)

    def _look_at_request(self, asked: ExtensionRequested, followed: Sequence[Event]) -> Ruled:
        docket = told_by(followed)
        assert docket is not None
        pack = self.pack_of(docket)
        section = pack.extensions
        if section is None or (asked.kind == "special" and section.special is None):
            return Ruled("not_filed", note=f"{pack.name}的规则没有{'特殊' if section else ''}延期。")
        if asked.requested is None:
            return Ruled("person")
        running = self._running(asked)
        if running is None:
            return Ruled("not_filed", note="本轮没有办结时限，无须延期。")
        try:
            if asked.kind == "ordinary":
                extensions.require_same_counting(running.allowance, asked.requested, "requested")
        except FieldRefused as refused:
            return Ruled("not_filed", note=refused.detail, basis=refused.basis)
        request = self._request(section, asked, asked.requested)
        before = tuple(limit for round_, limit in self._granted.values() if round_ == asked.round)
        decision = extensions.decided_by_rule(
            section, request, running, situation=self.read_as(docket.situation), granted_before=before
        )
        if decision is None:
            return Ruled("person", late=running.late(request.filed_at))
        outcome: Outcome = "granted_by_rule" if decision.outcome == "granted" else "denied_by_rule"
        return Ruled(outcome, decision.ground, decision.note, decision.late, decision.basis)

    def _running(self, asked: ExtensionRequested) -> extensions.Running | None:
        place = (asked.unit, asked.round, asked.occurred_at)
        closing = self._row("closing", *place)
        if closing is None:
            return None
        window = self._row("special_extension_window" if asked.kind == "special" else "extension_window", *place)
        due_at, generation = (window.due_at, window.generation) if window else (None, 0)
        return extensions.Running(due_at, generation, closing.stated)

    def _request(self, section: Extensions, asked: ExtensionRequested, requested: Limit) -> extensions.Request:
        counted = extensions.counted_with(section, asked.unit)
        listed = section.special.formalities if section.special is not None else {}
        return extensions.Request(
            id=asked.case,
            ticket=asked.ticket,
            round=asked.round,
            unit=asked.unit,
            state="pending",
            nth=1 + sum(counted in (None, unit) for _, unit in self._asked),
            requested=requested,
            reason=asked.reason,
            plan=asked.plan,
            papers=asked.papers,
            filed_at=asked.occurred_at,
            sort=asked.kind,
            formalities=tuple(code for code in asked.formalities if code in listed),
            head_approval=asked.head_approval,
        )

    # --- both ---

    def _decided(self, told: ReturnRuling | ExtensionRuling | ReturnLapsed | ExtensionLapsed) -> None:
        filing = self._filed.get(told.case)
        if filing is None:
            return
        if isinstance(told, ReturnLapsed | ExtensionLapsed):
            recorded = Ruled("lapsed", note=told.reason)
            self._granted.pop(told.case, None)
        else:
            granted = isinstance(told, ReturnApproved | ExtensionGranted)
            outcome: Outcome = "granted" if granted else "denied"
            if told.by_rule:
                outcome = "granted_by_rule" if granted else "denied_by_rule"
            recorded = Ruled(outcome, getattr(told, "ground", None), told.note, told.late, told.basis)
        if isinstance(told, ExtensionGranted):
            self._take_effect(told)
        if filing.recorded.outcome == "pending":
            self._filed[told.case] = replace(filing, recorded=recorded)

    def _take_effect(self, granted: ExtensionGranted) -> None:
        """What was granted then stands as it was, unless the rules refuse the request now."""
        self.added.pop(granted.case, None)
        if granted.kind == "ordinary" and granted.granted is not None and granted.case not in self.refused:
            self._granted[granted.case] = (granted.round, granted.granted)

    def _row(self, kind: str, unit: str, round_: int, at: datetime) -> Deadline | None:
        """The limit of the unit in its round as it stood when it filed, all granted extensions in effect."""
        clocks, rows = self.clockwork(self._known_at(at))
        named = (unit, clocks.known_as(unit))
        found = [row for row in rows.values() if row.kind == kind and row.round == round_ and row.case is None]
        own = [row for row in found if row.unit in named]
        return next(iter(own or found), None)

    def _known_at(self, at: datetime) -> list[Fact]:
        first, *others = self.counted()
        granted = {one.case for one in others if one.type == "ExtensionGranted" and one.order_at <= at}
        known = [one for one in others if one.order_at <= at or (one.type == "RulingApplied" and one.case in granted)]
        return [first, *in_order(known)]


_OF_EXTENSIONS: Final = ("ExtensionGranted", "RulingApplied")


def _effective(asked: ExtensionRequested, granted: Limit) -> list[Fact]:
    """The facts of a request that is granted as it is filed."""
    at, place = asked.occurred_at, (asked.round, asked.unit, asked.case)
    said = {"kind": asked.kind, "granted": granted.model_dump(mode="json")}
    status = {"kind": "extension", "outcome": "granted", "new_status": "signed_in"}
    return [
        Fact(new_id(), "ExtensionGranted", "review", at, at, *place, said),
        Fact(new_id(), "RulingApplied", "dispatch", at, at, *place, status),
    ]
