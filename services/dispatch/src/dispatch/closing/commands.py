"""办结: filing a report, accepting it or sending it back."""

from dataclasses import replace
from uuid import UUID

from common.basis import Basis
from common.clock import new_id
from common.events.dispatch import Archived, Closed, ClosingReported, ClosingSentBack
from common.events.envelope import Actor
from common.messaging.room import Transaction
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.problems import conflict, not_found
from dispatch.closing import store
from dispatch.closing.store import Report
from dispatch.docket import (
    SHELF,
    SYSTEM,
    Docket,
    acting,
    fact,
    keep,
    moved,
    require_lead,
    require_no_blocking_return,
    take,
)


async def file(tx: Transaction, caller: Principal, ticket: UUID, round: int, result: str) -> tuple[Docket, UUID]:
    """The lead files its closing report; where the pack has no check, the report closes the ticket at once.

    ``result`` is masked. Answers the docket and the report's id.
    """
    docket = await take(tx, caller, "closing.create", ticket, round)
    filed = moved(docket, "report_closing")
    pack = await SHELF.version(tx.connection, docket.policy)
    require_lead(docket, caller, pack)
    require_no_blocking_return(docket, "closing", pack)
    assert docket.unit is not None
    report = Report(new_id(), ticket, docket.round, docket.unit, tx.now)
    filed = replace(filed, report=report.id, clock_stop=None)
    await store.file(tx.connection, report)
    tx.announce(
        ClosingReported(**fact(tx, filed, acting(caller)), report=report.id, unit=report.unit, result=result),
        filed.subject,
    )
    if not pack.closing.check:
        filed = await _accept(tx, filed, report, pack, SYSTEM, pack.closing.basis)
    await keep(tx.connection, filed)
    return filed, report.id


async def decide(
    tx: Transaction, caller: Principal, report_id: UUID, round: int, send_back_for: tuple[str, ...] | None
) -> Docket:
    """Accept the report, or send it back for these masked reasons; then the same deadline runs on.

    409 ``report_decided`` when the report no longer waits for a decision.
    """
    report = await store.find(tx.connection, report_id)
    if report is None:
        raise not_found()
    docket = await take(tx, caller, "closing.decide", report.ticket, round)
    if docket.status == "closing_filed" and docket.report != report_id:
        raise conflict("report_decided", "该办结报告已不在审核中。")
    pack = await SHELF.version(tx.connection, docket.policy)
    if send_back_for is None:
        docket = await _accept(tx, docket, report, pack, acting(caller), None)
    else:
        docket = replace(moved(docket, "send_back_closing"), report=None)
        await store.decide(tx.connection, report.id, "sent_back", tx.now)
        tx.announce(
            ClosingSentBack(
                **fact(tx, docket, acting(caller)), report=report.id, reasons=send_back_for, unit=report.unit
            ),
            docket.subject,
        )
    await keep(tx.connection, docket)
    return docket


async def _accept(
    tx: Transaction, docket: Docket, report: Report, pack: Pack, actor: Actor, by_rule: Basis | None
) -> Docket:
    """Close the ticket; one whose requester left no contact is archived in the same breath (双鸭山 第二十二条).

    ``by_rule``: the rule that accepted, where no person did.
    """
    closed = replace(moved(docket, "accept_closing"), report=None, pending_return=None)
    await store.decide(tx.connection, report.id, "accepted", tx.now)
    tx.announce(
        Closed(
            **{**fact(tx, closed, actor), "basis": (by_rule,) if by_rule else ()},
            report=report.id,
            unit=report.unit,
            filed_at=report.filed_at,
            decided_by_rule=by_rule is not None,
        ),
        closed.subject,
    )
    if closed.has_contact:
        return closed
    archived = moved(closed, "archive_without_callback")
    tx.announce(
        Archived(**{**fact(tx, archived, SYSTEM), "basis": (pack.callbacks.no_contact.basis,)}, how="no_contact"),
        archived.subject,
    )
    return archived
