"""Passing a ticket on to a unit below or to an officer of one's own."""

from dataclasses import dataclass, replace
from uuid import UUID

from common.clock import local_date, new_id
from common.events.dispatch import SubAssigned
from common.messaging.room import Transaction
from common.security.access import Principal
from common.web.problems import Problem, conflict, invalid, not_found
from dispatch.docket import SHELF, Docket, acting, fact, holder_of, keep, moved, take
from dispatch.sub_assignment.rules import check_subordinate
from dispatch.units import store
from dispatch.units.rules import UnitRefused, who_acts


@dataclass(frozen=True, slots=True)
class Passing:
    """To whom a holder passes the ticket: exactly one of a unit and an account. ``remark`` is masked."""

    round: int
    to_unit: str | None
    to_account: str | None
    remark: str | None = None


async def pass_on(tx: Transaction, caller: Principal, ticket: UUID, passing: Passing) -> tuple[Docket, str | None]:
    """The holder keeps its duties; who gets the ticket reports progress and contacts for it.

    Answers the account that has the work: an absent officer's substitute. 409 ``not_provided`` where the pack knows no
    passing on, ``already_passed_on`` for a unit that works on the ticket already; 422 for a unit that is not below or
    a person who is not with the unit.
    """
    docket = await take(tx, caller, "sub_assignment.create", ticket, passing.round)
    after = moved(docket, "sub_assign")
    provided = (await SHELF.version(tx.connection, docket.policy)).dispatching.sub_assignment
    if provided is None:
        raise conflict("not_provided", "本地规则没有内部转办。")
    holder = holder_of(docket, caller)
    if caller.unit in docket.sub_units:
        raise Problem(403, "not_a_holder", "非承办单位", "内部转办由承办单位进行。", basis=(provided.basis,))
    try:
        account = await _check(tx, holder, passing)
    except UnitRefused as refusal:
        raise invalid(refusal.field, refusal.rule, refusal.message) from None
    if passing.to_unit is not None:
        if passing.to_unit in docket.workers:
            raise conflict("already_passed_on", "该单位已在承办此工单。")
        after = replace(after, sub_units={**docket.sub_units, passing.to_unit: holder})
        await keep(tx.connection, after)
    tx.announce(
        SubAssigned(
            **{**fact(tx, after, acting(caller)), "basis": (provided.basis,)},
            assignment=new_id(),
            unit=holder,
            to_unit=passing.to_unit,
            to_account=account,
            remark=passing.remark,
        ),
        after.subject,
    )
    return after, account


async def _check(tx: Transaction, holder: str, passing: Passing) -> str | None:
    on = local_date(tx.now)
    if passing.to_unit is not None:
        found = await store.standing(tx.connection, [passing.to_unit])
        above = await store.above(tx.connection, passing.to_unit)
        check_subordinate(holder, found.get(passing.to_unit), passing.to_unit, above, on)
        return None
    assert passing.to_account is not None
    unit = await store.find(tx.connection, holder)
    if unit is None:
        raise not_found()
    officers = (await store.officers_of(tx.connection, [holder]))[holder]
    return who_acts(passing.to_account, unit[0], officers.values(), on)
