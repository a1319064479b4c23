"""What reporting counts of the whole life: co-handlers, endings, occurrences, and rates with and without marks."""

from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.reporting.test_counts import UNIT, created, dispatched, fact, figures
from tests.support.wire import Wire, at

from common.events import dispatch, intake, review, sla
from common.events.vocabulary import DeadlineKind, Limit, Status
from common.events.wording import DEADLINE_WORDS, STATUS_WORDS
from common.policy.callbacks import Indicator
from common.policy.pack import Pack, parse_pack
from common.policy.reading import load_pack
from common.runtime.service import Service
from common.security.development import DevelopmentIssuer
from reporting.indicators import rates
from reporting.store import METADATA

PACK = load_pack(Path("policies/shuangyashan"))
OTHER = "shuangyashan.zhujian"
NOON = "2025-03-03 12:00"


def told(ticket: UUID, moment: str = NOON) -> dict[str, Any]:
    return {**fact(ticket, 1, moment), "policy": PACK.version}


def statuses(seen: dict[str, Any]) -> dict[str, int]:
    return {row["value"]: row["count"] for row in seen["statuses"]}


def happened(seen: dict[str, Any]) -> dict[str, int]:
    return {row["value"]: row["count"] for row in seen["occurrences"]}


async def activate(wire: Wire, pack: Pack) -> None:
    now = wire.clock.now()
    event = sla.PolicyActivated(
        occurred_at=now,
        accepted_at=now,
        actor=told(uuid4())["actor"],
        jurisdiction=pack.jurisdiction,
        version=pack.version,
        effective_from=pack.effective_from,
        pack=pack.dump(),
    )
    await wire.deliver(event, subject=f"policy/{pack.jurisdiction}")


async def test_a_co_handlers_sign_in_moves_nothing_and_every_ending_is_a_status(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    signed, withdrawn, stopped = uuid4(), uuid4(), uuid4()
    for ticket in (signed, withdrawn, stopped):
        await wire.deliver(created(ticket), dispatched(ticket))
    await wire.deliver(dispatch.SignedIn(**told(signed), unit=OTHER, part="co_handler"))
    assert statuses(await figures(service, issuer)) == {"dispatched": 3}
    await wire.deliver(
        dispatch.SignedIn(**told(signed), unit=UNIT),
        dispatch.SignedIn(**told(signed), unit=OTHER, part="co_handler"),
        dispatch.RulingApplied(
            **told(withdrawn), ruling=uuid4(), kind="withdrawal", outcome="withdrawn", new_status="withdrawn"
        ),
        dispatch.HandlingStopped(
            **told(stopped), cessation=uuid4(), unit=UNIT, ground="other", explained=True, statement="已进入诉讼"
        ),
        dispatch.UnitSucceeded(**told(signed), unit=UNIT, successor=OTHER),
    )
    assert statuses(await figures(service, issuer)) == {"signed_in": 1, "withdrawn": 1, "stopped": 1}
    by_unit = (await figures(service, issuer, by="unit"))["statuses"]
    assert [row["value"] for row in by_unit if row["group"] == OTHER] == ["signed_in"]


async def test_what_may_happen_several_times_is_counted_by_name(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    ticket, case, open_case = uuid4(), uuid4(), uuid4()
    of: dict[str, Any] = {"case": uuid4(), "unit": UNIT}
    ruled: dict[str, Any] = {"filed_at": at(NOON), "by_rule": False}
    kind: dict[str, Any] = {"kind": "ordinary"}
    await wire.deliver(created(ticket), dispatched(ticket))
    await wire.deliver(
        review.Returned(**told(ticket), **of),
        review.ReturnDenied(**told(ticket), **of, **ruled, late=True),
        review.Returned(**told(ticket), **of),
        review.ReturnApproved(**told(ticket), **of, **ruled, late=False),
        review.ExtensionRequested(
            **told(ticket), **of, **kind, requested=Limit(amount=5, unit="working_days"), reason="勘验", nth=1
        ),
        review.ExtensionGranted(**told(ticket), **of, **kind, **ruled),
        review.ConsultationConvened(
            **told(ticket), case=case, form="consultation", participants=(UNIT, OTHER), subject="谁管"
        ),
        review.ConsultationConcluded(**told(ticket), case=case, form="consultation", outcome="unresolved"),
        review.ConsultationConvened(
            **told(ticket), case=open_case, form="coordination", participants=(UNIT, OTHER), subject="谁管"
        ),
        review.Escalated(**told(ticket), case=uuid4(), ground="unresolved", addressee="市政府", report="专报"),
        review.SupervisionIssued(**told(ticket), **of, form="phone", text="将到期", reply_due=False, by_rule=True),
        review.SupervisionIssued(**told(ticket), **of, form="special", text="限期答复", reply_due=True),
        review.SupervisionReplied(**told(ticket), **of, text="已整改"),
        intake.TicketUrged(**told(ticket), times=1),
        intake.TicketUrged(**told(ticket), times=2),
        review.NoticeIssued(
            **told(ticket), **of, kind="criticism", ground="late_without_statement", tickets=(ticket,), text="通报"
        ),
        review.NoticeIssued(**told(ticket), **of, kind="prompt", ground="rota", text="请即整改"),
        review.NoticeIssued(**told(ticket), **of, kind="talk", ground="rota", text="约谈提醒"),
    )
    wider = told(ticket) | {"ticket": None, "number": None, "round": 0}
    referral = review.ReferralSent(**wider, **of, addressee="有权机关", sent_on=at(NOON).date())
    await wire.deliver(referral, subject=f"case/{of['case']}")
    seen = await figures(service, issuer)
    assert happened(seen) == {
        "returned": 2, "return_denied": 1, "return_approved": 1, "return_late": 1,
        "extension_requested": 1, "extension_granted": 1,
        "consultation_convened": 2, "consultation_unresolved": 1, "consultation_open": 1, "escalated": 1,
        "supervision_phone": 1, "supervision_special": 1, "supervision_replied": 1, "urged": 2,
        "notice_issued": 1, "prompt_issued": 1, "talk_issued": 1, "referral_sent": 1,
    }  # fmt: skip
    assert (seen["returns"], seen["overdue"]) == (2, 1)
    assert "通报" in seen["definition"]["occurrences"]
    by_unit = (await figures(service, issuer, by="unit"))["occurrences"]
    assert {row["value"]: row["count"] for row in by_unit if row["group"] == UNIT}["returned"] == 2
    before = await figures(service, issuer, to=at("2025-03-03 09:58").isoformat())
    assert happened(before) == {}
    later = await figures(service, issuer, **{"from": at("2025-03-03 11:00").isoformat()})
    assert happened(later) == {"referral_sent": 1}, "what is about no one ticket counts by when it happened"
    await wire.deliver(dispatch.Archived(**told(ticket), how="judgement"))
    assert "consultation_open" not in happened(await figures(service, issuer))


def called_back(ticket: UUID, satisfaction: str | None, moment: str = NOON, **more: Any) -> intake.CallbackRecorded:
    said: dict[str, Any] = {"outcome": "reached", "responded": True, "resolved": satisfaction == "satisfied"} | more
    return intake.CallbackRecorded(
        **told(ticket, moment), callback=uuid4(), satisfaction=satisfaction, attempt=1, **said
    )


async def test_rates_are_told_with_and_without_what_is_not_to_be_chased_and_the_pack_says_which_ranks(
    service: Service, wire: Wire, issuer: DevelopmentIssuer
) -> None:
    """双鸭山 第二十二条: 不片面追求满意率."""
    await activate(wire, PACK)
    content = PACK.dump()
    content["callbacks"]["indicator"]["ranks"] = "all"
    await activate(wire, parse_pack(content))
    plain = [uuid4() for _ in range(4)]
    marked = [uuid4() for _ in range(2)]
    for ticket in (*plain, *marked):
        marks = ("mediation",) if ticket == marked[0] else ()
        registered = created(ticket).model_copy(update={"policy": PACK.version, "marks": marks})
        await wire.deliver(registered, dispatched(ticket))
    amended = intake.TicketAmended(
        **told(marked[1]),
        type="complaint",
        category="城市管理/市政道路",
        address="某路",
        marks=("enforcement",),
        legal_limit=None,
        changed=("marks",),
        reason="属执法办案",
    )
    await wire.deliver(amended)
    await wire.deliver(
        called_back(plain[0], "satisfied"),
        called_back(plain[1], "dissatisfied"),
        called_back(plain[1], "satisfied", "2025-03-03 18:00"),
        called_back(plain[1], "dissatisfied", "2025-03-03 17:00"),
        called_back(plain[2], None, outcome="not_reached", responded=None, resolved=None),
        called_back(plain[3], None, resolved=None),
        called_back(marked[0], "dissatisfied"),
        called_back(marked[1], "dissatisfied"),
    )
    seen = await figures(service, issuer)
    found = {(row["question"], row["scope"]): row for row in seen["rates"]}
    assert {key: (row["numerator"], row["denominator"], row["rate"]) for key, row in found.items()} == {
        ("responded", "all"): (5, 5, 10_000),
        ("responded", "without_marked"): (3, 3, 10_000),
        ("resolved", "all"): (2, 4, 5000),
        ("resolved", "without_marked"): (2, 2, 10_000),
        ("satisfaction", "all"): (2, 4, 5000),
        ("satisfaction", "without_marked"): (2, 2, 10_000),
    }
    assert [scope for (question, scope), row in found.items() if question == "satisfaction" and row["ranks"]] == [
        "without_marked"
    ]
    [ranking] = seen["ranking"]
    assert (ranking["scope"], ranking["marks"]) == ("without_marked", ["mediation", "enforcement"])
    assert ranking["basis"]["quote"].endswith("不片面追求满意率")
    assert "分母" in seen["definition"]["rates"]
    by_unit = (await figures(service, issuer, by="unit"))["rates"]
    assert {row["group"] for row in by_unit} == {UNIT}
    applied = [
        sla.PolicyApplied(**told(ticket), from_policy=PACK.version, to_policy=parse_pack(content).version)
        for ticket in (*plain, *marked)
    ]
    await wire.deliver(*applied)
    ranks = {row["scope"] for row in (await figures(service, issuer))["rates"] if row["ranks"]}
    assert ranks == {"all"}, "another pack ranks the whole"


def test_rates_are_sums_over_answers_and_leave_out_what_was_not_answered_or_has_no_indicator() -> None:
    indicator = PACK.callbacks.indicator
    assert indicator is not None

    def row(satisfaction: str | None, count: int, policy: str = "a", marks: tuple[str, ...] = ()) -> dict[str, Any]:
        silent = {"responded": None, "resolved": None}
        return {"group": "", "policy": policy, "marks": marks, "satisfaction": satisfaction, "count": count, **silent}

    known: dict[str, Indicator | None] = {"a": indicator, "b": None}
    counted = [row("satisfied", 3), row("dissatisfied", 1), row(None, 9), row("satisfied", 5, "b")]
    counted.append(row("dissatisfied", 4, marks=("enforcement", "urgent")))
    assert [
        (one.question, one.scope, one.numerator, one.denominator, one.ranks) for one in rates(counted, known.get)
    ] == [
        ("satisfaction", "all", 3, 8, False),
        ("satisfaction", "without_marked", 3, 4, True),
    ]
    assert rates([], known.get) == []


async def test_the_page_calls_everything_by_its_official_name(service: Service) -> None:
    assert set(STATUS_WORDS) == set(get_args(Status))
    assert set(DEADLINE_WORDS) == set(get_args(DeadlineKind))
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://suite") as client:
        page = (await client.get("/reporting/")).text
    for word in (*STATUS_WORDS.values(), *DEADLINE_WORDS.values(), "通报", "满意率", "不含行政调解、执法办案类"):
        assert word in page


def differences(connection: Connection) -> list[Any]:
    def ours(_object: object, name: str | None, *_rest: object) -> bool:
        return not (name and (name == "alembic_version" or name.startswith("archive") or name.endswith("_rest")))

    context = MigrationContext.configure(connection, opts={"target_metadata": METADATA, "include_object": ours})
    return list(compare_metadata(context, METADATA))


async def test_the_migrations_make_the_tables_that_the_code_reads(service: Service) -> None:
    async with service.room.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
