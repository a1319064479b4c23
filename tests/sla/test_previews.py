"""Previews: every anchor, kind and own limit, extensions and stops, as the same rules would set them for a ticket."""

from typing import Any, Final
from uuid import uuid4

import pytest
from tests.sla.desk import LEAD, PACK, Desk
from tests.support.wire import PACKS, at

from common.calendar import load_calendar
from common.events.dispatch import Dispatched
from common.events.review import ConsultationConcluded, ConsultationConvened, Returned, SupervisionIssued
from common.policy import Pack, load_pack, parse_pack
from common.web.problems import Problem
from sla.plan import Rules
from sla.routes.previews import Preview, Previewed, previewed

CALENDAR: Final = load_calendar(PACKS / "calendar")
ZHENRU: Final = load_pack(PACKS / "zhenru")
FRIDAY: Final = "2025-09-26T16:00:00+08:00"
"""Before a worked Sunday (28 September), the National Day holiday (1 to 8 October) and a worked Saturday (11th)."""
COMPLAINT: Final = {"type": "complaint", "channel": "phone"}


def preview(pack: Pack = PACK, kind: str | None = None, /, **more: Any) -> dict[str, Previewed]:
    """Offline: what is told of that kind, or of all; the situation is a complaint by telephone unless said."""
    asked = {"jurisdiction": pack.jurisdiction, "kind": kind, "from": FRIDAY, "situation": COMPLAINT, **more}
    found = previewed(Rules(pack, CALENDAR), Preview.model_validate(asked))
    return {one.kind: one for one in found}


def due(told: dict[str, Previewed], kind: str) -> str | None:
    found = told[kind].due_at
    return found.astimezone(at("2025-01-01 00:00").tzinfo).strftime("%m-%d %H:%M") if found else None


def refusal(pack: Pack = PACK, kind: str | None = None, /, **more: Any) -> tuple[str, str]:
    with pytest.raises(Problem) as refused:
        preview(pack, kind, **more)
    [field] = refused.value.fields
    return field.field, field.rule


async def test_what_is_previewed_is_what_a_ticket_gets_from_the_same_fact(desk: Desk) -> None:
    desk.set("2025-09-26 16:00")
    ticket = await desk.register(marks=("special",))
    case = uuid4()
    convened: dict[str, Any] = {"participants": (LEAD,), "subject": "由谁承办"}
    await desk.tell(
        desk.fact(Dispatched, ticket, unit=LEAD, co_handlers=("shuangyashan.shuiwu",)),
        desk.fact(Returned, ticket, case=uuid4(), unit=LEAD, reason="x", legal_basis="y"),
        desk.fact(SupervisionIssued, ticket, case=uuid4(), unit=LEAD, form="special", text="请办理", reply_due=True),
        *(
            desk.fact(ConsultationConvened, ticket, case=uuid4(), form=form, **convened)
            for form in ("designation", "coordination")
        ),
        desk.fact(ConsultationConvened, ticket, case=case, form="consultation", **convened),
        desk.fact(ConsultationConcluded, ticket, case=case, form="consultation", outcome="unresolved"),
    )
    set_ = {row.kind: (row.due_at, row.original_due_at, row.warn_at, row.basis) for row in await desk.rows(ticket)}
    wanted = {"jurisdiction": "shuangyashan", "from": FRIDAY, "situation": {**COMPLAINT, "marks": ["special"]}}
    answer = await desk.client.post("deadline-previews", json=wanted, headers=desk.headers("viewer"))
    told = [Previewed.model_validate(one) for one in answer.json()["items"]]
    of_tickets = [one for one in told if one.runs_from not in ("effective", "pushed")]
    assert {one.kind: (one.due_at, one.original_due_at, one.warn_at, one.bases) for one in of_tickets} == set_
    assert [one.kind for one in told] == list(PACK.limits.kinds())
    assert answer.json()["policy"] == PACK.version


async def test_one_kind_is_told_in_the_shape_it_always_had(desk: Desk) -> None:
    wanted = {"jurisdiction": "shuangyashan", "kind": "closing", "from": FRIDAY, "situation": COMPLAINT}
    told = (await desk.client.post("deadline-previews", json=wanted, headers=desk.headers("viewer"))).json()
    assert (told["kind"], told["due_at"], told["provisional"]) == ("closing", "2025-10-23T16:00:00Z", False)
    assert told["basis"]["article"] == "第十六条（三）"
    assert {"on": "2025-09-28", "counts": True, "why": "调休上班"} in told["explanation"]
    assert told["runs_from"] == "dispatched"


def test_an_exempt_kind_answers_with_its_basis_and_an_unknown_one_says_so() -> None:
    told = preview()
    assert (told["first_response"].exempt, told["first_response"].due_at) == (True, None)
    basis = told["first_response"].basis
    assert basis is not None
    assert basis.assumption is not None
    [unknown] = preview(PACK, "first_contact").values()
    assert (unknown.exempt, unknown.basis, unknown.runs_from) == (True, None, None)


LAW: Final = {
    "amount": 30,
    "unit": "working_days",
    "basis": {"rule": "SYS-16", "document": "某法", "article": "第一条"},
}


@pytest.mark.parametrize(
    ("own", "closing"),
    [
        ({}, "10-24 00:00"),  # 15 working days
        ({"imposed_limit": {"limit": {"amount": 3, "unit": "working_days"}}}, "10-01 00:00"),  # 28, 29, 30 September
        ({"imposed_limit": {"until": "2025-10-13T12:00:00+08:00"}}, "10-13 12:00"),
        ({"imposed_limit": {"until": "2025-09-01T12:00:00+08:00"}}, "10-24 00:00"),  # is past: as if there were none
        ({"concluded_limit": {"amount": 1, "unit": "working_days"}}, "09-29 00:00"),
        ({"legal_limit": LAW}, "11-14 00:00"),  # 15 more: 24, 27-31 October, 3-7 and 10-13 November
        ({"legal_limit": LAW, "concluded_limit": {"amount": 1, "unit": "working_days"}}, "11-14 00:00"),
    ],
)
def test_what_is_the_tickets_own_goes_before_the_table(own: dict[str, Any], closing: str) -> None:
    told = preview(situation={**COMPLAINT, **own})
    assert due(told, "closing") == closing
    assert due(told, "extension_window") == closing  # it follows
    assert due(told, "sign_in") == "09-29 00:00"


def test_extensions_prolong_the_closing_and_what_follows_it() -> None:
    longer = {"limit": {"amount": 5, "unit": "working_days"}}
    told = preview(extensions=[longer, {"until": "2025-11-30T00:00:00+08:00"}])
    assert (due(told, "closing"), due(told, "co_handler_part")) == ("11-30 00:00", "11-30 00:00")
    once = preview(PACK, "closing", extensions=[longer])["closing"]
    assert due({"closing": once}, "closing") == "10-31 00:00"
    assert once.original_due_at == preview()["closing"].due_at
    assert any("延期" in sentence for sentence in once.text)


def test_an_ordinary_extension_ends_where_the_pack_caps_it_and_a_special_one_does_not() -> None:
    """真如 三（二）2：最长至第12个工作日，即10月20日24时；5个工作日即10月10日24时。"""
    longer = {"limit": {"amount": 10, "unit": "working_days"}}
    assert due(preview(ZHENRU), "closing") == "10-11 00:00"
    capped = preview(ZHENRU, extensions=[longer])
    assert (due(capped, "closing"), due(capped, "extension_window")) == (
        "10-21 00:00",
        "10-18 00:00",
    )  # a working day before 24:00 of Monday the 20th
    assert due(preview(ZHENRU, "closing", extensions=[longer]), "closing") == "10-21 00:00"
    special = {"limit": {"amount": 30, "unit": "natural_days"}, "kind": "special"}
    assert due(preview(ZHENRU, "closing", extensions=[special]), "closing") == "11-11 00:00"  # a Sunday, so Monday


def test_who_asks_and_when_the_report_came_decide_where_the_pack_looks_at_it() -> None:
    anonymous = {"type": "complaint", "channel": "phone", "anonymous": True, "has_contact": False}
    assert preview(ZHENRU, "first_contact", situation=anonymous)["first_contact"].exempt
    assert due(preview(ZHENRU), "first_contact") == "09-28 16:00"  # 24 hours of working days: Friday 16:00 on
    photo = {"type": "complaint", "channel": "suishenpai"}
    told = preview(ZHENRU, situation=photo, received_at="2025-09-24T09:00:00+08:00")
    assert due(told, "closing_whole") == "09-30 00:00"  # 5 natural days from the report: 29 September


def stopping() -> Pack:
    content = PACK.dump()
    ground = {"label": "鉴定", "rule": "SYS-16", "assumption": "假设", "kinds": ["closing"], "agreed_by": "notice"}
    content["limits"]["clock_stops"] = {"expert": ground}
    return parse_pack(content)


def test_a_clock_that_stood_still_runs_on_with_what_was_left() -> None:
    stop = {"ground": "expert", "stopped_at": "2025-09-29T10:00:00+08:00", "resumed_at": "2025-10-14T10:00:00+08:00"}
    told = preview(stopping(), pauses=[stop])
    assert due(told, "closing") != due(preview(), "closing")
    assert due(told, "sign_in") == due(preview(), "sign_in")
    still = {"ground": "expert", "stopped_at": stop["stopped_at"]}
    assert due(preview(stopping(), "closing", pauses=[still]), "closing") == due(preview(), "closing")


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("closing", {"situation": {}}, ("situation.type", "required")),
        (None, {"situation": {}}, ("situation.type", "required")),
        ("closing", {"situation": {**COMPLAINT, "channel": "pigeon"}}, ("situation.channel", "not_in_pack")),
        ("closing", {"situation": {**COMPLAINT, "marks": ["blue"]}}, ("situation.marks", "not_in_pack")),
        ("sign_in", {"extensions": [{"until": "2025-11-30T00:00:00+08:00"}]}, ("extensions", "not_extended")),
        ("closing", {"pauses": [{"ground": "expert", "stopped_at": FRIDAY}]}, ("pauses.0.ground", "not_in_pack")),
        ("closing", {"from": "1990-01-01T00:00:00+08:00"}, ("from", "outside_calendar")),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_rule(
    kind: str | None, more: dict[str, Any], named: tuple[str, str]
) -> None:
    assert refusal(PACK, kind, **more) == named


def test_own_limits_that_the_pack_does_not_know_are_refused() -> None:
    given = {**COMPLAINT, "concluded_limit": {"amount": 1, "unit": "working_days"}}
    assert refusal(ZHENRU, "closing", situation=given) == ("situation.concluded_limit", "not_in_pack")
    stop = {"ground": "expert", "stopped_at": FRIDAY}
    assert refusal(stopping(), "sign_in", pauses=[stop]) == ("pauses.0.ground", "not_stopped")
    earlier = {**stop, "resumed_at": "2025-09-25T16:00:00+08:00"}
    assert refusal(stopping(), "closing", pauses=[earlier]) == ("pauses.0.resumed_at", "before_stop")


async def test_a_limit_and_an_instant_at_once_are_refused_over_http(desk: Desk) -> None:
    both = {"limit": {"amount": 1, "unit": "working_days"}, "until": FRIDAY}
    wanted = {"jurisdiction": "shuangyashan", "kind": "closing", "from": FRIDAY, "situation": COMPLAINT}
    refused = await desk.client.post(
        "deadline-previews", json={**wanted, "extensions": [both]}, headers=desk.headers("viewer")
    )
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "extensions.0")


async def test_a_limit_that_depends_on_what_is_not_told_is_not_made_up(desk: Desk) -> None:
    wanted = {"jurisdiction": "shuangyashan", "kind": "closing", "from": "2024-09-26T16:00:00+08:00", "situation": {}}
    answer = await desk.client.post("deadline-previews", json=wanted, headers=desk.headers("viewer"))
    assert answer.status_code == 422, answer.text
    [field] = answer.json()["fields"]
    assert (field["field"], field["rule"]) == ("situation.type", "required")
    assert "“办结”的时限因诉求类型而不同" in field["message"]
