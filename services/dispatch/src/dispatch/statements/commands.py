"""Submitting 情况说明及有效依据 on a closed ticket."""

from uuid import UUID

from common.clock import new_id
from common.events.dispatch import StatementSubmitted
from common.messaging.room import Transaction
from common.security.access import Principal
from dispatch.docket import SHELF, Docket, acting, fact, moved, require_lead, take


async def submit(
    tx: Transaction, caller: Principal, ticket: UUID, round: int, words: str, evidence: tuple[str, ...]
) -> tuple[Docket, UUID]:
    """The lead says, in masked words, why the demand cannot be met and on which papers that rests (双鸭山 第二十二条).

    Answers the docket and the statement's id.
    """
    docket = await take(tx, caller, "statement.create", ticket, round)
    moved(docket, "submit_statement")
    require_lead(docket, caller, await SHELF.version(tx.connection, docket.policy))
    assert docket.unit is not None
    statement = new_id()
    tx.announce(
        StatementSubmitted(
            **fact(tx, docket, acting(caller)), statement=statement, unit=docket.unit, text=words, evidence=evidence
        ),
        docket.subject,
    )
    return docket, statement
