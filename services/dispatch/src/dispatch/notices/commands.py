"""Writing notices with the effects of their event, sending them, and hearing what became of them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from common.clock import local_date, new_id
from common.events.dispatch import Dispatched, Reissued, UnitNotified
from common.events.envelope import Event, TicketFact, subject_of_ticket
from common.events.intake import TicketAmended, TicketCreated, TicketDeclined, TicketTransferred
from common.failpoint import reach
from common.messaging.room import Room, Transaction
from common.messaging.wakeup import Bell
from common.policy.matching import Situation
from common.policy.pack import Pack
from common.web.problems import conflict, not_found
from dispatch.docket import SHELF, SYSTEM, load
from dispatch.matter import change_matter, matter_of, remember
from dispatch.notices import store
from dispatch.notices.driver import Driver, Letter
from dispatch.notices.rules import Happened, Outcome, Receipt, State, after_attempt, drafts, pause_after, settled_by
from dispatch.notices.store import Claimed, Notice
from dispatch.units.store import find

log = structlog.get_logger()

NO_GATEWAY: Final = "no_gateway"
NO_TERRITORY: Final = "no_territory"
LEASE: Final = timedelta(seconds=60)
"""How long a sender may take over what it has in hand (machine time); each attempt takes a sixth of it at most."""
_AT_ONCE: Final = 10
_POLL_SECONDS: Final = 0.5
_HEEDED: Final = frozenset(
    {
        "TicketCreated",
        "Dispatched",
        "Reissued",
        "TicketAmended",
        "TicketUrged",
        "TicketTransferred",
        "TicketDeclined",
        "SupervisionIssued",
        "ConsultationConvened",
    }
)


async def notify(tx: Transaction, event: Event, *, reachable: bool) -> None:
    """Enter the notices that an event brings about. ``reachable`` False: there is no gateway, they stay unsent."""
    if event.type not in _HEEDED:
        return
    data = event.data
    assert isinstance(data, TicketFact)
    if isinstance(data, TicketCreated):
        remember(tx, data.ticket, _situation(data, data.channel, data.marks))
        return
    pack = await SHELF.version(tx.connection, data.policy)
    if pack.notices is None:
        return
    happened = await _happened(tx, pack, event.type, data)
    if happened is None:
        return
    unusable = await _unusable(tx, data)
    for draft in drafts(pack.notices, pack.limits, happened):
        reason = NO_TERRITORY if draft.unit is None else unusable.get(draft.unit, None if reachable else NO_GATEWAY)
        notice = Notice(
            id=new_id(),
            cause=event.id,
            unit=draft.unit,
            ticket=data.ticket,
            number=data.number,
            jurisdiction=data.jurisdiction,
            policy=data.policy,
            round=data.round,
            occasion=draft.occasion,
            text=draft.text,
            made_at=tx.now,
            not_before=draft.not_before,
            state="waiting" if reason is None else "unsent",
            reason=reason,
            attempts=0,
            settled_at=None if reason is None else tx.now,
        )
        store.add(tx, notice)


async def _unusable(tx: Transaction, data: Any) -> dict[str, str]:
    """The unit that intake says was told of an emergency, with the reason, if it is none of the register's."""
    if not isinstance(data, TicketDeclined) or data.unit_told is None:
        return {}
    found = await find(tx.connection, data.unit_told)
    if found is None or found[0].jurisdiction != data.jurisdiction:
        return {data.unit_told: "unknown_unit"}
    return {data.unit_told: "unit_ended"} if found[0].ended(local_date(tx.now)) else {}


async def _happened(tx: Transaction, pack: Pack, kind: str, data: Any) -> Happened | None:
    """What the rules look at; None for a ticket that was never heard of here."""
    new_marks: frozenset[str] = frozenset()
    if isinstance(data, TicketTransferred | TicketDeclined):
        situation = _situation(data, data.channel, ())
    else:
        known = await matter_of(tx.connection, data.ticket)
        if known is None:
            return None
        situation = known
        if isinstance(data, TicketAmended):
            situation = _situation(data, known.channel, data.marks)
            new_marks = situation.marks - known.marks
            await change_matter(tx.connection, data.ticket, situation)
    emergency = pack.acceptance.emergency_of(
        ground=getattr(data, "ground", None) if isinstance(data, TicketDeclined) else None,
        transferred_to=getattr(data, "transferred_to", None),
    )
    lead, co_handlers, territory = await _holders(tx, data)
    holders = [unit for unit in (lead, *co_handlers) if unit is not None]
    return Happened(
        type=kind,
        at=tx.now,
        number=data.number,
        situation=situation,
        type_label=_type_label(pack, situation),
        new_marks=new_marks,
        lead=lead,
        co_handlers=co_handlers,
        above=await store.above(tx.connection, holders) if holders and situation.marks else None,
        authority=next((unit.code for unit in pack.units if unit.function == "authority"), None),
        unit=data.unit_told if isinstance(data, TicketDeclined) else getattr(data, "unit", None),
        participants=getattr(data, "participants", ()),
        territory=territory,
        form=getattr(data, "form", None),
        emergency=emergency is not None,
        line=None if emergency is None else emergency.line_in(getattr(data, "transferred_to", "")),
        times=getattr(data, "times", None),
    )


async def _holders(tx: Transaction, data: Any) -> tuple[str | None, tuple[str, ...], str | None]:
    """The lead, the co-handlers and the territory: named by a dispatch itself, else those of now."""
    if isinstance(data, Dispatched):
        return data.unit, data.co_handlers, data.territory
    docket = await load(tx.connection, data.ticket)
    if docket is None:
        return None, (), None
    held = data if isinstance(data, Reissued) else docket
    return held.unit, held.co_handlers, docket.territory


def _situation(data: Any, channel: str | None, marks: Sequence[str]) -> Situation:
    return Situation(type=data.type, channel=channel, category=data.category, marks=frozenset(marks), round=1)


def _type_label(pack: Pack, situation: Situation) -> str:
    known = pack.ticket.types.get(situation.type or "")
    return known.label if known else "诉求"


async def receive(tx: Transaction, notice: UUID, receipt: Receipt, reason: str | None) -> None:
    """The gateway says what became of a notice. The first receipt decides; the same one again changes nothing.

    404 for a notice that is not ours, 409 for a receipt that contradicts what is known.
    """
    known = await store.find(tx.connection, notice)
    if known is None:
        raise not_found()
    if known.state == receipt:
        return
    if settled_by(_state(known), receipt) is None or not await _settle(tx, notice, receipt, reason):
        raise conflict("already_settled", "该提醒已有结果，回执与其不一致。")


def _state(notice: Notice) -> State:
    state: Any = notice.state
    assert state in ("waiting", "sent", "delivered", "failed", "unsent")
    return state  # type: ignore[no-any-return]


async def _settle(tx: Transaction, notice: UUID, state: State, reason: str | None) -> bool:
    """Note the fate of a notice and, where somebody was or was not reached, announce it."""
    settled = await store.settle(tx.connection, notice, state, reason, tx.now)
    if settled is None:
        return False
    if state in ("delivered", "failed"):
        assert settled.unit is not None
        pack = await SHELF.version(tx.connection, settled.policy)
        occasion = pack.notices.occasions.get(settled.occasion) if pack.notices else None
        tx.announce(
            UnitNotified(
                jurisdiction=settled.jurisdiction,
                policy=settled.policy,
                ticket=settled.ticket,
                number=settled.number,
                round=settled.round,
                occurred_at=tx.now,
                accepted_at=tx.now,
                actor=SYSTEM,
                basis=(occasion.basis,) if occasion else (),
                notice=settled.id,
                unit=settled.unit,
                reason=settled.occasion,
                outcome="delivered" if state == "delivered" else "failed",
            ),
            subject_of_ticket(settled.ticket),
        )
    return True


class NoticeSender:
    """The background work that sends notices. Several processes may run one: a row is in one sender's hand at a time.

    A sender that dies after sending and before noting it leaves the row to the next one when its lease ends; the
    gateway knows the repeat by its Idempotency-Key.
    """

    def __init__(self, room: Room, driver: Driver | None, bell: Bell, *, lease: timedelta = LEASE) -> None:
        self._room = room
        self._driver = driver
        self._bell = bell
        self._lease = lease

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until told to stop; without a gateway, say of what still waits that it stays unsent."""
        if self._driver is None:
            async with self._room.transaction() as tx:
                await store.leave_unsent(tx.connection, NO_GATEWAY, tx.now)
            return
        try:
            while not stopping.is_set():
                heard = self._bell.rings
                if not await self.send_some(self._driver):
                    await self._bell.wait(heard, _POLL_SECONDS)
        finally:
            if stopping.is_set():
                await self._driver.close()

    async def send_some(self, driver: Driver) -> int:
        """Send what may ring now, a few at once; how many were tried."""
        async with self._room.transaction() as tx:
            claimed = await store.claim(tx.connection, tx.now, _AT_ONCE, self._lease)
        outcomes = await asyncio.gather(*(driver.send(_letter(one)) for one in claimed))
        reach("notices.sent")
        for one, outcome in zip(claimed, outcomes, strict=True):
            await self._note(one.notice, after_attempt(outcome, one.notice.attempts))
        return len(claimed)

    async def _note(self, notice: Notice, outcome: Outcome) -> None:
        async with self._room.transaction() as tx:
            if outcome.state is None:
                await store.put_off(tx.connection, notice, outcome.reason, pause_after(notice.attempts))
            elif outcome.state == "sent":
                await store.taken(tx.connection, notice)
            else:
                await _settle(tx, notice.id, outcome.state, outcome.reason)
        log.info(
            "notice",
            ticket=str(notice.ticket),
            unit=notice.unit,
            occasion=notice.occasion,
            state=outcome.state or "waiting",
            reason=outcome.reason,
        )

    async def next_due(self) -> datetime | None:
        """When quiet hours next end for some notice: simulated time stops there."""
        async with self._room.database.single.connect() as connection:
            return await store.next_to_ring(connection, self._room.clock.now())

    async def unfinished(self) -> bool:
        """Whether a notice may ring and was not tried yet. Nobody waits for the gateway's answer."""
        if self._driver is None:
            return False
        async with self._room.database.single.connect() as connection:
            return await store.untried(connection, self._room.clock.now())


def _letter(claimed: Claimed) -> Letter:
    notice = claimed.notice
    assert notice.unit is not None  # who is not known is never written to
    return Letter(
        id=notice.id,
        unit=notice.unit,
        ticket=notice.ticket,
        number=notice.number,
        occasion=notice.occasion,
        text=notice.text,
        to=claimed.contact,
    )
