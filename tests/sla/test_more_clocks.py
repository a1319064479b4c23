"""Clocks that 双鸭山's document does not know and other cities do: what they run from, what meets and moves them.

The pack is 双鸭山's with these kinds beside its own. Friday 27 September 2024, 16:00; Sunday 29 is worked, 1 to 7
October are off, Saturday 12 is worked.
"""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.sla.desk import LEAD, OTHER, PACK, Desk
from tests.support.wire import at

from common.basis import Basis
from common.events.dispatch import (
    ClockResumed,
    ClockStopped,
    ProgressReported,
    RequesterContacted,
    SignedIn,
)
from common.events.intake import CallbackRecorded, KnowledgeDue, KnowledgeEntered, PushAnswered, PushIssued
from common.events.review import ConsultationConvened, LookBackRecorded
from common.events.sla import DeadlineMoved, DeadlineResumed, DeadlineSet, DeadlineStopped
from common.events.vocabulary import ImposedLimit, Limit, Requester
from common.policy import Pack, parse_pack
from sla.deadlines import Deadline
from sla.registry import SYSTEM, activate

TRIED = {"rule": "G-4", "assumption": "试行"}
DAY = {"amount": 1, "unit": "working_days"}


def days(amount: int, unit: str = "working_days", **more: Any) -> dict[str, Any]:
    return {"allowance": {"amount": amount, "unit": unit}, **more, **TRIED}


def kind(anchor: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"anchor": {"value": anchor, **TRIED}, "warn_before": {**DAY, **TRIED}, "rules": list(rules), **more}


def window(anchor: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"anchor": {"value": anchor, **TRIED}, "rules": list(rules)}


def clocks_pack() -> Pack:
    content = PACK.dump()
    limits = content["limits"]
    exempt = {"when": {"all": [{"anonymous": True}, {"contact": False}]}, "no_limit": True, **TRIED}
    quiet = {"when": {"confidential": True}, "no_limit": True, **TRIED}
    kinds = {
        **limits["kinds"],
        "level1_contact": kind("registered", exempt, days(1), lifted_by={"value": "closing", **TRIED}),
        "first_contact": kind("dispatched", exempt, quiet, days(1)),
        "promised": kind("promised", {"promised_date": True, **TRIED}),
        "closing_whole": kind("dispatched", {"no_limit": True, **TRIED}),
        "convening": kind("signed_in", days(2, when={"co_handlers": {"gte": 1}}), {"no_limit": True, **TRIED}),
        "callback": kind("closed", days(3)),
        "look_back": kind("closed", days(30, "natural_days")),
        "push_feedback": kind("pushed", days(3)),
        "latest_extension": window("dispatched", days(17)),
        "special_extension_window": window("dispatched", days(10)),
        "return_late_window": window("dispatched", days(3)),
    }
    kinds["closing"] = {
        **kinds["closing"],
        "rules": [
            days(5, "natural_days", when={"channel": {"eq": "web"}}, counted_from="received", roll=False),
            *kinds["closing"]["rules"],
        ],
    }
    stop = {"label": "检测鉴定", "kinds": ["closing", "extension_window"], "agreed_by": "notice", **TRIED}
    overlay = {
        "label": "消费者投诉",
        "priority": 10,
        "when": {"category": {"prefix": "市场监管/消费"}},
        "kinds": {"closing": [days(60, "natural_days")]},
        **TRIED,
    }
    more = {
        "kinds": kinds,
        "interim": {"value": "meets_closing", **TRIED},
        "latest": {"value": "latest_extension", **TRIED},
        "clock_stops": {"opinion": stop},
        "overlays": {"consumers": overlay},
        "imposed_limits": {**limits["imposed_limits"], "kinds": ["closing", "closing_whole"]},
    }
    special = {
        "spans": {"value": [{"amount": 30, "unit": "natural_days"}], "rule": "ZR-3.2d", "assumption": "试行"},
        "denied_when_missing": {"value": ["reason"], **TRIED},
        "formalities": {"signed": {"label": "负责人签字", **TRIED}},
    }
    not_offered = {"label": "不在所列期限", "decided_by": "rule", "mechanism": "not_offered", **TRIED}
    grounds = {**content["extensions"]["denial_grounds"], "not_offered": not_offered}
    extensions = {**content["extensions"], "special": special, "denial_grounds": grounds}
    returns = {**content["returns"], "late_window_needs": {"value": ["explanation"], **TRIED}}
    return parse_pack({**content, "limits": {**limits, **more}, "returns": returns, "extensions": extensions})


CLOCKS = clocks_pack()


@pytest.fixture
async def clocks(desk: Desk) -> Desk:
    async with desk.service.room.transaction() as tx:
        await activate(tx, CLOCKS, SYSTEM)
    desk.policy = CLOCKS.version
    return desk


async def only(desk: Desk, ticket: UUID, kind: str) -> Deadline:
    [row] = await desk.rows(ticket, kind)
    return row


def contact(desk: Desk, ticket: UUID, level: int, when: str | None = None, **more: Any) -> RequesterContacted:
    given: dict[str, Any] = {"level": level, "outcome": "reached", "unit": LEAD if level == 2 else None}
    return desk.fact(RequesterContacted, ticket, when, 1 if level == 2 else 0, **(given | more))


def promise(desk: Desk, ticket: UUID, until: str, when: str | None = None) -> ProgressReported:
    told: dict[str, Any] = {"unit": LEAD, "concludes_part": False, "text": "正在办理。", "promised_at": at(until)}
    return desk.fact(ProgressReported, ticket, when, **told)


# --- two levels of first contact (真如 三（二）1) ---


async def test_the_centre_owes_a_contact_from_the_registration_on(clocks: Desk) -> None:
    ticket = await clocks.register()
    [event] = await clocks.events(ticket, "DeadlineSet")
    assert isinstance(event.data, DeadlineSet)
    [row] = event.data.deadlines
    assert (row.kind, row.unit, row.round, row.due_at) == ("level1_contact", None, 0, at("2024-09-30 00:00"))
    await clocks.tell(contact(clocks, ticket, 1, "2024-09-29 23:59:59"))
    assert (await only(clocks, ticket, "level1_contact")).verdict == "met"


async def test_a_contact_of_one_level_does_not_meet_the_other(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(contact(clocks, ticket, 2))
    assert (await only(clocks, ticket, "first_contact")).verdict == "met"
    assert (await only(clocks, ticket, "level1_contact")).verdict is None
    await clocks.tell(contact(clocks, ticket, 1, "2024-09-30 00:00"))
    assert (await only(clocks, ticket, "level1_contact")).verdict == "missed"


async def test_three_attempts_in_vain_meet_it_too(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(contact(clocks, ticket, 2, outcome="attempts_exhausted", attempts=3))
    assert (await only(clocks, ticket, "first_contact")).verdict == "met"


async def test_who_left_no_number_or_wants_to_stay_unknown_to_the_unit_is_exempt(clocks: Desk) -> None:
    nobody = Requester(anonymous=True, has_contact=False, confidential=False)
    quiet = Requester(anonymous=False, has_contact=True, confidential=True)
    unknown, confidential = await clocks.register(requester=nobody), await clocks.register(requester=quiet)
    for ticket in (unknown, confidential):
        await clocks.tell(clocks.dispatched(ticket))
        assert await clocks.rows(ticket, "first_contact") == []
    assert await clocks.rows(unknown, "level1_contact") == []
    assert len(await clocks.rows(confidential, "level1_contact")) == 1


async def test_done_and_answered_in_its_time_the_centre_owes_no_contact(clocks: Desk) -> None:
    soon, late = await clocks.dispatch(), await clocks.dispatch()
    for ticket, filed in ((soon, "2024-09-29 20:00"), (late, "2024-09-30 00:00")):
        await clocks.tell(clocks.closing_reported(ticket, filed), clocks.closed(ticket, filed))
    assert (await only(clocks, soon, "level1_contact")).state == "superseded"
    assert (await only(clocks, late, "level1_contact")).state == "armed"


# --- counted from the report, with weekends (真如 三（一）2) ---


async def test_a_limit_may_count_from_the_report_and_with_weekends(clocks: Desk) -> None:
    ticket = await clocks.register(channel="web", received_at=at("2024-09-26 22:00"))
    clocks.set("2024-09-28 09:00")
    await clocks.tell(clocks.dispatched(ticket))
    row = await only(clocks, ticket, "closing")
    assert (row.due_at, row.anchor.at, row.anchor.type) == (
        at("2024-10-02 00:00"), at("2024-09-26 22:00"), "TicketCreated",
    )  # fmt: skip


async def test_amended_away_from_such_a_limit_it_counts_from_the_dispatch_again(clocks: Desk) -> None:
    ticket = await clocks.register(channel="web", received_at=at("2024-09-26 22:00"))
    await clocks.tell(clocks.dispatched(ticket))
    law = {"amount": 2, "unit": "working_days", "basis": Basis(rule="SYS-16", document="某法", article="第一条")}
    await clocks.tell(clocks.amended(ticket, "legal_limit", legal_limit=law))
    row = await only(clocks, ticket, "closing")
    assert (row.due_at, row.anchor.type) == (at("2024-10-01 00:00"), "Dispatched")


# --- a law for some matters (双鸭山 第十六条 “从其规定”) ---


async def test_a_law_for_such_matters_goes_before_the_table_and_before_what_was_imposed(clocks: Desk) -> None:
    imposed = ImposedLimit(limit=Limit(amount=3, unit="working_days"), basis=Basis(rule="SYS-11", assumption="交办"))
    ticket = await clocks.register(category="市场监管/消费/退费", imposed_limit=imposed)
    await clocks.tell(clocks.dispatched(ticket))
    row = await only(clocks, ticket, "closing")
    assert (row.due_at, row.counting.source) == (at("2024-11-27 00:00"), "law")


# --- a promised date (同江 三（一）) ---


async def test_an_interim_report_meets_the_closing_and_its_date_becomes_the_limit(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(clocks.signed_in(ticket), promise(clocks, ticket, "2024-11-01 00:00"))
    assert (await only(clocks, ticket, "closing")).verdict == "met"
    row = await only(clocks, ticket, "promised")
    assert (row.due_at, row.unit, row.state) == (at("2024-11-01 00:00"), LEAD, "armed")
    clocks.set("2024-10-31 10:00")
    await clocks.tell(clocks.closing_reported(ticket), clocks.closed(ticket, "2024-10-31 10:00"))
    assert (await only(clocks, ticket, "promised")).verdict == "met"


async def test_a_promise_moves_while_it_has_time_and_a_broken_one_stays_broken(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(clocks.signed_in(ticket), promise(clocks, ticket, "2024-10-10 00:00"))
    clocks.set("2024-10-09 10:00")
    await clocks.tell(promise(clocks, ticket, "2024-10-15 00:00"))
    [moved] = [one.data for one in await clocks.events(ticket, "DeadlineMoved") if isinstance(one.data, DeadlineMoved)]
    assert (moved.kind, moved.reason, moved.old_due_at, moved.due_at) == (
        "promised", "promised", at("2024-10-10 00:00"), at("2024-10-15 00:00"),
    )  # fmt: skip
    await clocks.reach("2024-10-15 10:00")
    await clocks.tell(promise(clocks, ticket, "2024-10-20 00:00"))
    row = await only(clocks, ticket, "promised")
    assert (row.due_at, row.state) == (at("2024-10-15 00:00"), "breached")


async def test_an_extension_after_an_interim_report_lengthens_the_promised_date(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(clocks.signed_in(ticket), promise(clocks, ticket, "2024-10-10 00:00"))
    await clocks.extend(ticket, 2)
    row = await only(clocks, ticket, "promised")
    assert (row.due_at, row.original_due_at) == (at("2024-10-12 00:00"), at("2024-10-10 00:00"))


# --- two limits beside one another (真如 六（三）) ---


async def test_the_given_and_the_whole_limit_are_judged_apart_by_the_one_closing(clocks: Desk) -> None:
    def imposed(days: int) -> ImposedLimit:
        return ImposedLimit(
            limit=Limit(amount=days, unit="working_days"), basis=Basis(rule="ZR-3.2f", assumption="给定")
        )

    ticket = await clocks.register(imposed_limit=imposed(2), imposed_whole_limit=imposed(5))
    await clocks.tell(clocks.dispatched(ticket))
    due = {row.kind: row.due_at for row in await clocks.rows(ticket) if row.kind.startswith("closing")}
    assert due == {"closing": at("2024-10-01 00:00"), "closing_whole": at("2024-10-11 00:00")}
    clocks.set("2024-10-08 10:00")
    await clocks.tell(clocks.closing_reported(ticket), clocks.closed(ticket, "2024-10-08 10:00"))
    verdicts = {row.kind: row.verdict for row in await clocks.rows(ticket) if row.kind.startswith("closing")}
    assert verdicts == {"closing": "missed", "closing_whole": "met"}


# --- convening, callback, look-back ---


async def test_who_took_on_a_ticket_of_several_convenes_them_in_two_days(clocks: Desk) -> None:
    alone, several = await clocks.dispatch(), await clocks.register()
    await clocks.tell(clocks.dispatched(several, co_handlers=(OTHER,)))
    await clocks.tell(*(clocks.fact(SignedIn, ticket, unit=LEAD) for ticket in (alone, several)))
    await clocks.tell(clocks.fact(SignedIn, several, unit=OTHER, part="co_handler"))
    assert await clocks.rows(alone, "convening") == []
    row = await only(clocks, several, "convening")
    assert (row.due_at, row.unit, row.anchor.type) == (at("2024-10-01 00:00"), LEAD, "SignedIn")
    convened: dict[str, Any] = {
        "case": uuid4(),
        "form": "consultation",
        "convener": LEAD,
        "participants": (OTHER,),
        "subject": "协调",
    }
    await clocks.tell(clocks.fact(ConsultationConvened, several, "2024-09-30 23:00", **convened))
    assert (await only(clocks, several, "convening")).verdict == "met"


async def test_who_convened_before_the_sign_in_owes_no_convening(clocks: Desk) -> None:
    ticket = await clocks.register()
    await clocks.tell(clocks.dispatched(ticket, co_handlers=(OTHER,)))
    convened: dict[str, Any] = {
        "case": uuid4(), "form": "consultation", "convener": LEAD, "participants": (OTHER,), "subject": "协调",
    }  # fmt: skip
    await clocks.tell(clocks.fact(ConsultationConvened, ticket, **convened))
    await clocks.tell(clocks.fact(SignedIn, ticket, "2024-09-29 10:00", unit=LEAD))
    assert await clocks.rows(ticket, "convening") == []


async def test_a_closed_ticket_is_called_back_and_looked_back_at_also_when_it_is_archived(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(clocks.closing_reported(ticket), clocks.closed(ticket, "2024-09-27 16:00"))
    called: dict[str, Any] = {"callback": uuid4(), "outcome": "reached", "attempt": 1}
    clocks.set("2024-09-29 10:00")
    judged = clocks.applied(ticket, uuid4(), "callback", outcome="archive", new_status="archived")
    await clocks.tell(clocks.fact(CallbackRecorded, ticket, **called), judged, clocks.archived(ticket))
    row = await only(clocks, ticket, "look_back")
    assert (row.state, row.due_at, row.unit) == ("armed", at("2024-10-29 00:00"), None)
    assert (await only(clocks, ticket, "callback")).verdict == "met"
    looked: dict[str, Any] = {"case": uuid4(), "unit": LEAD, "result": "good", "text": "已落实。"}
    await clocks.tell(clocks.fact(LookBackRecorded, ticket, "2024-10-12 10:00", **looked))
    assert (await only(clocks, ticket, "look_back")).verdict == "met"


# --- clocks that stand still ---


def stopped(desk: Desk, ticket: UUID, stop: UUID, when: str) -> ClockStopped:
    return desk.fact(ClockStopped, ticket, when, stop=stop, unit=LEAD, ground="opinion", text="送检。")


def resumed(desk: Desk, ticket: UUID, stop: UUID, when: str) -> ClockResumed:
    return desk.fact(ClockResumed, ticket, when, stop=stop, unit=LEAD)


async def test_a_clock_that_stood_still_has_the_days_left_that_it_had(clocks: Desk) -> None:
    ticket, stop = await clocks.dispatch(), uuid4()
    # Of 15 working days 13 are left after Monday 30 September; 13 after Monday 14 October end on Thursday 31 October.
    await clocks.tell(stopped(clocks, ticket, stop, "2024-09-30 10:00"))
    row = await only(clocks, ticket, "closing")
    assert (row.state, row.next_at, row.due_at) == ("stopped", None, at("2024-10-24 00:00"))
    await clocks.reach("2024-10-24 10:00")
    assert (await only(clocks, ticket, "closing")).breached_at is None, "no lamp while it stands still"
    await clocks.tell(resumed(clocks, ticket, stop, "2024-10-14 09:00"))
    row = await only(clocks, ticket, "closing")
    assert (row.state, row.due_at, row.original_due_at) == ("armed", at("2024-11-01 00:00"), at("2024-11-01 00:00"))
    [told] = [one.data for one in await clocks.events(ticket, "DeadlineStopped", kind="closing")]
    [again] = [one.data for one in await clocks.events(ticket, "DeadlineResumed", kind="closing")]
    [moved] = [one.data for one in await clocks.events(ticket, "DeadlineMoved", kind="closing")]
    assert isinstance(told, DeadlineStopped)
    assert isinstance(again, DeadlineResumed)
    assert isinstance(moved, DeadlineMoved)
    assert (told.reason, again.reason, moved.reason) == ("clock_stopped", "clock_resumed", "resumed")
    assert (await only(clocks, ticket, "extension_window")).due_at == at("2024-11-01 00:00"), "what follows it too"
    assert (await only(clocks, ticket, "sign_in")).state != "stopped"


async def test_a_result_filed_while_the_clock_stands_still_is_in_time(clocks: Desk) -> None:
    ticket, stop = await clocks.dispatch(), uuid4()
    await clocks.tell(stopped(clocks, ticket, stop, "2024-09-30 10:00"))
    clocks.set("2024-11-20 10:00")
    await clocks.tell(clocks.closing_reported(ticket), clocks.closed(ticket, "2024-11-20 10:00"))
    row = await only(clocks, ticket, "closing")
    assert (row.verdict, row.state) == ("met", "closed")


async def test_what_was_over_before_the_clock_stopped_stays_over(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.reach("2024-10-24 10:00")
    await clocks.tell(stopped(clocks, ticket, uuid4(), "2024-10-24 11:00"))
    row = await only(clocks, ticket, "closing")
    assert (row.state, row.due_at) == ("breached", at("2024-10-24 00:00"))


async def test_a_round_that_ends_while_the_clock_stands_still_leaves_no_verdict(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(stopped(clocks, ticket, uuid4(), "2024-09-30 10:00"))
    clocks.set("2024-11-20 10:00")
    await clocks.tell(clocks.round_ended(ticket, "2024-11-20 10:00"))
    row = await only(clocks, ticket, "closing")
    assert (row.state, row.verdict) == ("superseded", None)


# --- how far an extension reaches ---


async def test_ordinary_extensions_reach_to_the_latest_day_and_special_ones_beyond(clocks: Desk) -> None:
    ordinary, special = await clocks.dispatch(), await clocks.dispatch()
    await clocks.extend(ordinary, 5)
    row = await only(clocks, ordinary, "closing")
    assert (row.due_at, row.original_due_at) == (at("2024-10-26 00:00"), at("2024-10-24 00:00")), "the 17th working day"
    case = uuid4()
    long = Limit(amount=30, unit="natural_days")
    await clocks.tell(
        clocks.extension(special, case, kind="special", granted=long), clocks.applied(special, case, "extension")
    )
    row = await only(clocks, special, "closing")
    assert (row.due_at, row.basis[-1].rule) == (at("2024-11-23 00:00"), "ZR-3.2d")


async def test_what_the_clock_stood_still_is_added_once_to_the_latest_day(clocks: Desk) -> None:
    ticket, stop = await clocks.dispatch(), uuid4()
    await clocks.tell(
        stopped(clocks, ticket, stop, "2024-09-30 10:00"), resumed(clocks, ticket, stop, "2024-10-14 09:00")
    )
    await clocks.extend(ticket, 5)
    # The 17th working day is Friday 25 October; 15 are left after 30 September, and 15 after 14 October end on 4
    # November.
    assert (await only(clocks, ticket, "closing")).due_at == at("2024-11-05 00:00")


async def test_a_return_is_judged_by_both_windows(clocks: Desk) -> None:
    ticket = await clocks.dispatch()
    await clocks.tell(clocks.returned(ticket, "2024-10-08 10:00"))
    verdicts = {row.kind: row.verdict for row in await clocks.rows(ticket) if row.kind.startswith("return")}
    assert verdicts == {"return_window": "missed", "return_late_window": "met"}


# --- what is wider than a ticket ---


async def test_a_push_is_answered_in_three_days_and_the_next_push_anew(clocks: Desk) -> None:
    cluster, first, second = uuid4(), uuid4(), uuid4()

    def pushed(push: UUID, when: str, times: int) -> PushIssued:
        return PushIssued(
            occurred_at=at(when), accepted_at=at(when), actor=SYSTEM, jurisdiction="shuangyashan", cluster=cluster,
            push=push, number=f"2024-00{times}", policy=clocks.policy, unit=LEAD, tickets=(uuid4(),), count=10,
            content="路灯集中诉求", reason="mass", level="section_head", times_pushed=times,
        )  # fmt: skip

    subject = f"cluster/{cluster}"
    await clocks.wire.deliver(pushed(first, "2024-09-27 16:00", 1), subject=subject)
    [row] = await clocks.rows(cluster)
    assert (row.kind, row.unit, row.case, row.due_at) == ("push_feedback", LEAD, first, at("2024-10-09 00:00"))
    [told] = await clocks.wire.announced("DeadlineSet", about=subject)
    assert isinstance(told.data, DeadlineSet)
    assert (told.data.ticket, told.data.number) == (None, None)
    await clocks.reach("2024-10-09 10:00")
    assert [one.type for one in await clocks.wire.announced(about=subject)][1:] == [
        "DeadlineApproaching", "DeadlineBreached",
    ]  # fmt: skip
    await clocks.wire.deliver(pushed(second, "2024-10-09 10:00", 2), subject=subject)
    answered = PushAnswered(
        occurred_at=at("2024-10-10 10:00"), accepted_at=at("2024-10-10 10:00"), actor=SYSTEM,
        jurisdiction="shuangyashan", cluster=cluster, push=second, policy=clocks.policy, unit=LEAD, text="已排查。",
    )  # fmt: skip
    await clocks.wire.deliver(answered, subject=subject)
    assert {row.case: row.verdict for row in await clocks.rows(cluster)} == {first: None, second: "met"}


async def test_a_policy_is_entered_in_five_days_of_taking_effect(clocks: Desk) -> None:
    duty = uuid4()
    common = {
        "occurred_at": at("2024-09-20 10:00"), "accepted_at": at("2024-09-20 10:00"), "actor": SYSTEM,
        "jurisdiction": "shuangyashan", "duty": duty, "policy": clocks.policy, "unit": LEAD,
    }  # fmt: skip
    due = KnowledgeDue.model_validate(
        {**common, "title": "照明规定", "level": "national", "effective_on": date(2024, 9, 26)}
    )
    await clocks.wire.deliver(due, subject=f"entry/{duty}")
    [row] = await clocks.rows(duty)
    assert (row.kind, row.due_at, row.anchor.at) == ("knowledge_update", at("2024-10-10 00:00"), at("2024-09-26 00:00"))
    late = {**common, "occurred_at": at("2024-10-10 00:00"), "accepted_at": at("2024-10-10 00:00")}
    await clocks.wire.deliver(KnowledgeEntered.model_validate(late), subject=f"entry/{duty}")
    [row] = await clocks.rows(duty)
    assert row.verdict == "missed"
    assert (await clocks.client.get(f"tickets/{duty}/deadlines", headers=clocks.headers("admin"))).status_code == 404
