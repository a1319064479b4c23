"""Looking back at a ticket that was closed."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from common.clock import new_id
from common.events.envelope import subject_of_ticket
from common.events.review import LookBackRecorded
from common.messaging.room import Transaction
from common.security.access import Principal
from review.docket import acting, fact, pack_of, take
from review.refusals import FieldRefused, Refused


class NotLookedBackAt(Refused):
    code = "not_looked_back_at"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was found; the text is masked. ``unit``: who had handled it."""

    unit: str
    result: Literal["good", "poor"]
    text: str


async def record(tx: Transaction, caller: Principal, ticket: UUID, wanted: Wanted) -> UUID:
    """Keep what looking back came to; the limit of it, where the pack has one, is met with that."""
    docket = await take(tx, caller, "look_back.record", ticket)
    pack = await pack_of(tx.connection, docket)
    if "look_back" not in pack.limits.kinds():
        raise NotLookedBackAt("本地区的规定没有回头看。")
    if docket.status not in ("closed", "archived"):
        raise NotLookedBackAt("工单尚未办结，不能回头看。", allowed=("closed", "archived"))
    if wanted.unit.partition(".")[0] != docket.jurisdiction:
        raise FieldRefused("unit", "jurisdiction", "承办单位不属于该地区。")
    case = new_id()
    tx.announce(
        LookBackRecorded(
            **fact(docket, docket.round, tx.now, acting(caller)),
            case=case,
            unit=wanted.unit,
            result=wanted.result,
            text=wanted.text,
        ),
        subject_of_ticket(ticket),
    )
    return case
