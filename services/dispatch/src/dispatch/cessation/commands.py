"""停止办理: the lead ends the handling on one of the pack's grounds."""

from uuid import UUID

from common.clock import new_id
from common.events.dispatch import HandlingStopped
from common.messaging.room import Transaction
from common.security.access import Principal
from common.web.problems import FieldError, Problem, conflict
from dispatch.cessation.rules import CessationRefused, check_cessation
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


async def stop(
    tx: Transaction, caller: Principal, ticket: UUID, round: int, ground: str, statement: str, *, explained: bool
) -> Docket:
    """The lead no longer handles the demand; ``statement`` tells the hotline why, masked.

    422 for a ground that the pack does not list or a requester who was not told; 409 ``not_provided`` where the pack
    knows no such way.
    """
    docket = await take(tx, caller, "cessation.create", ticket, round)
    after = moved(docket, "stop_handling")
    pack = await SHELF.version(tx.connection, docket.policy)
    require_lead(docket, caller, pack)
    require_no_blocking_return(docket, "closing", pack)
    if pack.cessation is None:
        raise conflict("not_provided", "本地规则没有停止办理。")
    try:
        found = check_cessation(pack.cessation, ground, explained=explained, has_contact=docket.has_contact)
    except CessationRefused as refusal:
        fields = (FieldError(refusal.field, refusal.rule, refusal.message),)
        raise Problem(
            422, "invalid_input", "输入有误", "有字段不符合要求。", fields=fields, basis=refusal.basis
        ) from None
    await keep(tx.connection, after)
    assert after.unit is not None
    tx.announce(
        HandlingStopped(
            **{**fact(tx, after, acting(caller)), "basis": (found.basis,)},
            cessation=new_id(),
            unit=after.unit,
            ground=ground,
            explained=explained,
            statement=statement,
        ),
        after.subject,
    )
    return after
