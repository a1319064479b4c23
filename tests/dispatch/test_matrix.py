"""Every status meets every command and every foreign event, over the real database, as the tables say (B9)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.dispatch.office import LEAD, OTHER, THIRD, Office, stopping_pack

from common.clock import new_id
from common.events.dispatch import Archived, Dispatched, Reissued, RulingApplied, RulingOvertaken
from common.events.envelope import Event, Payload
from common.events.vocabulary import Status
from dispatch.docket import Docket
from dispatch.lifecycle import AUTOMATIC, COMMANDS, FOREIGN, HELD, MOVES, STATUSES, Command, allowed, reply

ROUND = 2

BODIES: Mapping[Command, tuple[str, Mapping[str, Any]]] = {
    "assign": ("tickets/{ticket}/assignments", {"unit": OTHER, "principle": "territory"}),
    "claim": ("tickets/{ticket}/claims", {"unit": OTHER}),
    "sign_in": ("tickets/{ticket}/sign-ins", {}),
    "sign_in_part": ("tickets/{ticket}/sign-ins", {}),
    "sub_assign": ("tickets/{ticket}/sub-assignments", {"to_account": "zhang"}),
    "record_contact": ("tickets/{ticket}/contacts", {"outcome": "reached"}),
    "record_centre_contact": ("tickets/{ticket}/contacts", {"outcome": "reached", "level": 1}),
    "report_progress": ("tickets/{ticket}/progress-reports", {"text": "已派员查看。"}),
    "report_closing": ("tickets/{ticket}/closing-reports", {"result": "已修复。"}),
    "accept_closing": ("closing-reports/{report}/decisions", {"decision": "accept"}),
    "send_back_closing": ("closing-reports/{report}/decisions", {"decision": "send_back", "reasons": ["未联系诉求人"]}),
    "stop_handling": (
        "tickets/{ticket}/cessations",
        {"ground": "repeated", "explained": True, "statement": "已依法答复，诉求人以同一事实重复提出。"},
    ),
    "stop_clock": ("tickets/{ticket}/clock-stops", {"ground": "opinion", "text": "送检。"}),
    "resume_clock": ("tickets/{ticket}/clock-resumptions", {}),
    "explain": ("tickets/{ticket}/contacts", {"outcome": "reached", "purpose": "explanation"}),
    "submit_statement": ("tickets/{ticket}/statements", {"text": "权属不在本市。", "evidence": ["不动产登记簿"]}),
}
SENT = [command for command in COMMANDS if command not in AUTOMATIC]


async def tickets_in(office: Office, statuses: list[Status]) -> list[Docket]:
    """One ticket per status, as its history would have left it in its second round."""
    created = [office.created() for _ in statuses]
    await office.wire.deliver(*created)
    rows = [
        {
            "status": status,
            "round": ROUND,
            "unit": LEAD if status != "awaiting_dispatch" else None,
            "co_handlers": [THIRD],  # in every status, so that its sign-in meets the table in every status
            "report": new_id(),
            "pending": status == "closing_filed",
            "at": office.clock.now(),
            "ticket": one.ticket,
        }
        for one, status in zip(created, statuses, strict=True)
    ]
    async with office.service.room.database.engine.begin() as connection:
        await connection.execute(_PUT_IN, rows)
        await connection.execute(_FILE, [{**row, "unit": LEAD} for row in rows])
    return await office.dockets(one.ticket for one in created)


_PUT_IN = text(
    """
    update docket set status = :status, round = :round, unit = cast(:unit as text), round_began_at = :at,
        co_handlers = cast(:co_handlers as text[]),
        report = case when :pending then cast(:report as uuid) end
    where ticket = :ticket
    """
)
_FILE = text("insert into closing_report values (:report, :ticket, :round, :unit, :at, null, null)")


async def report_of(office: Office, ticket: UUID) -> UUID:
    async with office.service.room.database.engine.connect() as connection:
        found = await connection.execute(text("select id from closing_report where ticket = :t"), {"t": ticket})
        report = found.scalars().first()
    assert isinstance(report, UUID)
    return report


def test_every_command_that_somebody_can_send_has_its_route_here() -> None:
    assert set(BODIES) == set(SENT)


async def test_every_command_in_every_status_moves_the_ticket_or_is_refused_with_what_is_allowed(
    office: Office,
) -> None:
    await office.activate(stopping_pack())
    cases = [(status, command) for status in STATUSES for command in SENT]
    dockets = await tickets_in(office, [status for status, _ in cases])
    for (status, command), docket in zip(cases, dockets, strict=True):
        path, body = BODIES[command]
        report = await report_of(office, docket.ticket)
        path, sent = path.format(ticket=docket.ticket, report=report), {"round": ROUND, **body}
        if (status, command) == ("signed_in", "resume_clock"):
            await office.post(
                f"tickets/{docket.ticket}/clock-stops", {**BODIES["stop_clock"][1], "round": ROUND}, "admin"
            )
        if command == "sign_in_part":
            answer = await office.post(path, sent, "unit", THIRD)
        else:
            answer = await office.post(path, sent, "admin")
        listed = MOVES.get((status, command))
        if listed is None:
            assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed"), command
            assert answer.json().get("allowed", []) == list(allowed(status))
            assert await office.docket(docket.ticket) == docket
            assert not await office.announced(docket.ticket)
        else:
            assert answer.status_code == 201, (command, answer.text)
            closes_at_once = command == "report_closing"
            assert answer.json()["status"] == ("closed" if closes_at_once else listed.becomes)
            assert await office.announced(docket.ticket)


def told(office: Office, named: str, docket: Docket, round: int) -> Payload:
    """The event of that trigger, about that round of the ticket."""
    kind, _, outcome = named.partition(":")
    more: dict[str, Any] = {"round": round}
    if outcome:
        more["outcome"] = "unit_named" if outcome.startswith("unit_") else outcome
    if kind in ("ConsultationConcluded", "EscalationDecided"):
        units = {"unit_named": OTHER, "unit_confirmed": LEAD, "unit_absent": "shuangyashan.nobody"}
        more |= {"unit": units.get(outcome), "co_handlers": ()}
    if kind == "PolicyApplied":
        more["to_policy"] = office.pack.version
    if kind == "Returned":
        more["unit"] = LEAD
    return office.fact(kind, docket, **more)


@pytest.mark.parametrize("current", [True, False], ids=["this round", "the round before"])
async def test_every_foreign_event_gets_the_one_answer_that_the_table_gives(office: Office, current: bool) -> None:
    # "Confirms the unit" presupposes a unit that holds the ticket.
    cases = [
        (named, status)
        for named in FOREIGN
        for status in STATUSES
        if status in HELD or not named.endswith(":unit_confirmed")
    ]
    before = await tickets_in(office, [status for _, status in cases])
    round = ROUND if current else ROUND - 1
    facts = [told(office, named, docket, round) for (named, _), docket in zip(cases, before, strict=True)]
    await office.wire.deliver(*facts)
    assert await office.parked() == []

    answers: dict[str, list[Event]] = {}
    for event in await office.wire.announced():
        answers.setdefault(event.subject, []).append(event)
    afterwards = await office.dockets(docket.ticket for docket in before)
    for (named, status), was, after, fact in zip(cases, before, afterwards, facts, strict=True):
        met = reply(status, named, current_round=current)
        events = answers.get(was.subject, [])
        rulings = [event.data for event in events if isinstance(event.data, RulingApplied | RulingOvertaken)]
        assert after.status == (met.becomes or status), (named, status)
        if met.answer in ("note", "ignore"):
            assert not events, (named, status)
            continue
        [answer] = rulings
        assert answer.ruling == fact.case  # type: ignore[attr-defined]
        if met.answer == "overtaken":
            assert isinstance(answer, RulingOvertaken)
            assert answer.status == status
            assert after == was
        else:
            assert isinstance(answer, RulingApplied)
            assert answer.new_status == after.status
            check_what_follows(was, after, answer, [event.data for event in events[1:]], met.becomes)


def check_what_follows(
    was: Docket, after: Docket, answer: RulingApplied, following: list[Payload], becomes: Status | None
) -> None:
    """What an applied ruling brings besides its answer: a round of its own, a file, or nothing."""
    begins = becomes == "dispatched"
    assert after.round == was.round + (1 if begins else 0)
    assert (answer.ended_round == was.round) == (was.status in HELD and becomes is not None)
    if answer.outcome == "redo":
        assert [type(one) for one in following] == [Reissued]
    elif begins:
        assert [type(one) for one in following] == [Dispatched]
    elif becomes == "archived":
        assert [type(one) for one in following] == [Archived]
    else:
        assert following == []
