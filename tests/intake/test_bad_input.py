"""Input that cannot be registered: a clear refusal, and nothing stored."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import FreshDatabase
from tests.intake.centre import NAME, PHONE, Centre, demand
from tests.support.wire import Wire, alone, at

from common.clock import SimulatedClock
from intake.service import build

TABLES = ("ticket", "vault", "outbox", "subject_sequence", "idempotency")


async def stored(centre: Centre) -> dict[str, int]:
    return {table: await centre.count(table) for table in TABLES}


NOTHING = dict.fromkeys(TABLES, 0)

REFUSED: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("an unknown jurisdiction", {"jurisdiction": "nowhere"}, 422, "unknown_jurisdiction", "jurisdiction"),
    ("a time without zone", {"received_at": "2025-09-26T15:00:00"}, 422, "invalid_input", "received_at"),
    ("a future time", {"received_at": "2025-09-26T16:00:01+08:00"}, 422, "invalid_input", "received_at"),
    ("30 February", {"received_at": "2025-02-30T15:00:00+08:00"}, 422, "invalid_input", "received_at"),
    ("24:00", {"received_at": "2025-09-25T24:00:00+08:00"}, 422, "invalid_input", "received_at"),
    ("the year 1", {"received_at": "0001-01-01T00:00:00Z"}, 422, "invalid_input", "received_at"),
    ("seconds since 1970", {"received_at": 1758873600}, 422, "invalid_input", "received_at"),
    ("NUL in the statement", {"statement": "路灯\x00坏了"}, 422, "invalid_input", "statement"),
    ("NUL in a name", {"requester": {"name": "王\x00", "phone": PHONE}}, 422, "invalid_input", "requester.name"),
    ("a statement of a megabyte", {"statement": "灯" * 350_000}, 422, "invalid_input", "statement"),
    ("a statement of blanks", {"statement": " 　 "}, 422, "invalid_input", "statement"),
    ("a number as statement", {"statement": 5}, 422, "invalid_input", "statement"),
    ("text as a truth value", {"requester": {"anonymous": "true"}}, 422, "invalid_input", "requester.anonymous"),
    ("text as consent", {"consent": "true"}, 422, "invalid_input", "consent"),
    ("a list as requester", {"requester": []}, 422, "invalid_input", "requester"),
    ("a field that is not ours", {"status": "archived"}, 422, "invalid_input", "status"),
    ("an inner field that is not ours", {"requester": {"name": NAME, "id": 1}}, 422, "invalid_input", "requester.id"),
    ("a type nobody has", {"type": "petition"}, 422, "invalid_input", "type"),
    ("a channel nobody has", {"channel": "fax"}, 422, "not_in_pack", "channel"),
    ("a mark that only rules set", {"marks": ["overdue"]}, 422, "not_in_pack", "marks.0"),
    ("an outcome nobody has", {"outcome": "ignored"}, 422, "invalid_input", "outcome"),
    ("an answer beside a work order", {"answer": "已答复"}, 422, "invalid_input", "answer"),
    ("a refusal without ground", {"outcome": "declined", "told": True}, 422, "invalid_input", "ground"),
    ("a ground nobody has", {"outcome": "declined", "told": True, "ground": "tired"}, 422, "not_in_pack", "ground"),
    (
        "a refusal that nobody told",
        {"outcome": "declined", "told": False, "ground": "military"},
        422,
        "caller_not_told",
        "told",
    ),
    (
        "a refusal by a law that is not named",
        {"outcome": "declined", "told": True, "ground": "other_law"},
        422,
        "invalid_input",
        "legal_basis",
    ),
    (
        "a unit told of no emergency",
        {"outcome": "declined", "told": True, "ground": "military", "unit_told": "shuangyashan.xiaofang"},
        422,
        "invalid_input",
        "unit_told",
    ),
    (
        "what is no unit's code",
        {"outcome": "declined", "told": True, "ground": "emergency", "unit_told": "消防"},
        422,
        "invalid_input",
        "unit_told",
    ),
    ("no telephone number", {"requester": {"name": NAME, "phone": "没有"}}, 422, "invalid_input", "requester.phone"),
    ("a name in the category", {"category": f"路灯/{NAME}"}, 422, "invalid_input", "category"),
    ("a number in the call's id", {"call_id": f"call-{PHONE}"}, 422, "invalid_input", "call_id"),
    (
        "an anonymous requester with a name",
        {"requester": {"name": NAME, "anonymous": True}},
        422,
        "invalid_input",
        "requester.name",
    ),
    (
        "a law's limit without its law",
        {"legal_limit": {"amount": 3, "unit": "working_days", "basis": {}}},
        422,
        "invalid_input",
        "legal_limit.basis.document",
    ),
]


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
async def test_it_is_refused_by_field_and_nothing_is_stored(
    centre: Centre, changed: dict[str, Any], status: int, code: str, field: str
) -> None:
    jurisdiction = None if changed.get("jurisdiction") else "shuangyashan"
    refused = await centre.post("/tickets", demand(**changed), jurisdiction=jurisdiction)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (status, code), problem
    assert field in [each["field"] for each in problem["fields"]]
    assert refused.headers["content-type"] == "application/problem+json"
    assert NAME not in refused.text
    assert PHONE not in refused.text
    assert await stored(centre) == NOTHING


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"statement": NaN}', 400),
        (b'{"type": "help", "type": "complaint"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        ("{}".encode("utf-16"), 400),
        (b'"\\ud800"', 422),
        (json.dumps(demand()).replace("新兴", "x").encode().replace(b'"phone", ', b'"\\ud800", '), 422),
        (b"null", 422),
    ],
)
async def test_a_broken_body_is_refused(centre: Centre, content: bytes, status: int) -> None:
    refused = await centre.post("/tickets", content)
    assert refused.status_code == status, refused.text
    assert await stored(centre) == NOTHING


async def test_without_a_pack_in_force_nothing_is_registered(bare: Centre) -> None:
    refused = await bare.post("/tickets", demand())
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_jurisdiction")
    await bare.activate()
    assert (await bare.post("/tickets", demand())).status_code == 201


async def test_before_the_pack_takes_effect_nothing_is_registered(database: FreshDatabase, tmp_path: Path) -> None:
    clock = SimulatedClock(at("2024-06-12 23:59"))
    async with alone(build, database, clock, tmp_path) as found:
        transport = httpx.ASGITransport(app=found.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline/intake/v1") as client:
            wire = Wire(found.service, clock)
            early = Centre(found.service, wire, client, found.issuer, clock, database.admin_url, database.url("intake"))
            await early.activate()
            refused = await early.post("/tickets", demand())
            assert (refused.status_code, refused.json()["code"]) == (409, "no_pack_in_force")
            await early.pass_to("2024-06-13 00:00")
            assert (await early.post("/tickets", demand())).status_code == 201


async def test_rare_characters_are_kept_exactly(centre: Centre) -> None:
    statement = "𠮷野家门口𰻝𰻝面馆👨‍👩‍👧的牌匾é掉了"
    ticket = await centre.register(statement=statement)
    look = {"tickets": [ticket["id"]], "purpose": "核对原话", "field": "original"}
    (seen,) = (await centre.post("/contact-reveals", look)).json()["reveals"]
    assert seen["statement"] == statement


async def test_full_width_digits_are_masked_too(centre: Centre) -> None:
    ticket = await centre.register(statement="请回电１３９０４６９１２３４，谢谢")
    read = (await centre.get(f"/tickets/{ticket['id']}")).json()
    assert "１３９０４６" not in read["statement"]
