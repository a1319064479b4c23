"""派单 and 签收."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from common.clock import local_date
from common.events.dispatch import Dispatched, SignedIn
from common.messaging.room import Transaction
from common.policy.dispatching import Principle
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.problems import invalid
from dispatch.docket import (
    SHELF,
    Docket,
    acting,
    fact,
    keep,
    moved,
    require_lead,
    require_no_blocking_return,
    take,
)
from dispatch.units.rules import UnitRefused, check_addressees
from dispatch.units.store import standing


@dataclass(frozen=True, slots=True)
class Order:
    """To whom a ticket goes, and by which principle. ``remark`` is masked."""

    round: int
    unit: str
    principle: str
    co_handlers: tuple[str, ...] = ()
    designated: bool = False
    remark: str | None = None


async def assign(tx: Transaction, caller: Principal, ticket: UUID, order: Order) -> Docket:
    """Send the ticket to its lead and co-handlers: a new round begins.

    422 names the principle that the pack does not know, or the unit that does not exist or has ended.
    """
    docket = await take(tx, caller, "assignment.create", ticket, order.round)
    after = moved(docket, "assign")
    principle = _principle(await SHELF.version(tx.connection, docket.policy), order.principle)
    await _check_units(tx, docket, ("unit", order.unit), *(("co_handlers", code) for code in order.co_handlers))
    after = replace(
        after,
        round=docket.round + 1,
        unit=order.unit,
        co_handlers=order.co_handlers,
        designated=order.designated,
        round_began_at=tx.now,
    )
    await keep(tx.connection, after)
    tx.announce(
        Dispatched(
            **{**fact(tx, after, acting(caller)), "basis": (principle.basis,)},
            unit=order.unit,
            co_handlers=order.co_handlers,
            principle=order.principle,
            designated=order.designated,
            remark=order.remark,
        ),
        after.subject,
    )
    return after


async def sign_in(tx: Transaction, caller: Principal, ticket: UUID, round: int) -> Docket:
    """The lead signs for the ticket; the instant of acceptance counts."""
    docket = await take(tx, caller, "sign_in.create", ticket, round)
    after = moved(docket, "sign_in")
    pack = await SHELF.version(tx.connection, docket.policy)
    require_lead(docket, caller, pack)
    require_no_blocking_return(docket, "sign_in", pack)
    await keep(tx.connection, after)
    assert after.unit is not None
    tx.announce(SignedIn(**fact(tx, after, acting(caller)), unit=after.unit), after.subject)
    return after


def _principle(pack: Pack, named: str) -> Principle:
    principle = pack.dispatching.principles.get(named)
    if principle is None:
        known = "、".join(f"{one.code}（{one.label}）" for one in pack.dispatching.principles.values())
        raise invalid("principle", "unknown_principle", f"本地规则的派单原则为：{known}。")
    return principle


async def _check_units(tx: Transaction, docket: Docket, *named: tuple[str, str]) -> None:
    addressees: Sequence[tuple[str, str]] = named
    found = await standing(tx.connection, {code for _, code in addressees})
    try:
        check_addressees(addressees, found, docket.jurisdiction, local_date(tx.now))
    except UnitRefused as refusal:
        raise invalid(refusal.field, refusal.rule, refusal.message) from None
