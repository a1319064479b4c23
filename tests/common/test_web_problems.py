"""Bad input is refused with the field and the rule, in the reader's language, and never repeated."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.logs import captured_logs

from common.basis import Basis
from common.clock import FrozenClock
from common.observability import configure_tracing
from common.security.bearer import Caller
from common.security.development import DevelopmentIssuer
from common.security.refusals import AccessRefused, Forbidden, NotVisible
from common.security.tokens import TokenVerifier
from common.web.app import create_app
from common.web.inputs import ApiModel, Instant, Text, not_before, not_in_future
from common.web.problems import Problem, conflict, not_found
from common.web.routing import router

NOW = datetime(2025, 9, 26, 8, 0, tzinfo=UTC)
CANARIES = ("13987654321", "欧阳震华", "23050319880101123X", "canary@example.com")


class Requester(ApiModel):
    name: Annotated[str, Text(20)]
    phone: Annotated[str, Text(30)]


class Filing(ApiModel):
    statement: Annotated[str, Text(200)]
    occurred_at: Instant
    requester: Requester | None = None
    type: Literal["complaint", "inquiry"] = "complaint"
    score: float = 0
    count: Annotated[int, Field(ge=0, le=10)] = 0
    marks: Annotated[tuple[Annotated[str, Text(10)], ...], Field(max_length=3)] = ()
    answers: dict[str, bool] | None = None


def _app(verifier: object) -> FastAPI:
    routes = router()

    @routes.post("/v1/filings", status_code=201)
    async def file(filing: Filing) -> dict[str, Any]:
        not_in_future("occurred_at", filing.occurred_at, NOW)
        not_before("occurred_at", filing.occurred_at, datetime(2025, 1, 1, tzinfo=UTC), "派单时间")
        return {"statement": filing.statement, "occurred_at": filing.occurred_at.isoformat()}

    @routes.get("/v1/filings/{id}")
    async def read(id: UUID, limit: int = 10) -> dict[str, Any]:
        return {"id": id, "limit": limit}

    @routes.get("/v1/me")
    async def me(caller: Caller) -> dict[str, str]:
        return {"role": caller.role}

    @routes.get("/v1/errors/{kind}")
    async def fail(kind: str) -> None:
        canaries = " ".join(CANARIES)
        match kind:
            case "bug":
                raise ValueError(canaries)
            case "cause":
                try:
                    raise KeyError(canaries)
                except KeyError as error:
                    raise RuntimeError(canaries) from error
            case "database":
                raise DBAPIError(f"insert {canaries}", {"phone": canaries}, Exception(f"Key (phone)=({canaries})"))
            case "unreachable":
                engine = create_async_engine("postgresql+asyncpg://nobody@/x?host=/nonexistent-socket")
                async with engine.connect() as connection:
                    await connection.execute(text("select 1"))
            case "cut":
                raise InterfaceError(canaries, None, Exception(canaries), connection_invalidated=True)
            case "slow":
                raise TimeoutError(canaries)
            case "forbidden":
                raise Forbidden(canaries)
            case "foreign":
                raise NotVisible(canaries)
            case "absent":
                raise not_found()
            case "conflict":
                raise conflict("not_signed_in", "尚未签收。", allowed=("sign_in",), basis=(Basis(rule="SYS-14"),))
        raise Problem(429, "too_many_requests", "请求过于频繁", retry_after=7)

    return create_app(
        "intake",
        title="受理",
        routers=[routes],
        clock=FrozenClock(NOW),
        verifier=verifier,
        refusals=[AccessRefused],
    )


@pytest.fixture
def issuer(tmp_path: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path / "issuer.pem")


@pytest.fixture(autouse=True, scope="module")
def tracing() -> None:
    configure_tracing("test")


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    with captured_logs() as stream:
        yield stream


@pytest.fixture
async def client(issuer: DevelopmentIssuer, logs: io.StringIO) -> AsyncIterator[httpx.AsyncClient]:
    app = _app(TokenVerifier([issuer.settings()]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as client:
        yield client


def _filing(**changed: Any) -> dict[str, Any]:
    return {"statement": "路灯脱落", "occurred_at": "2025-09-26T15:00:00+08:00", **changed}


async def test_a_sound_filing_is_accepted_and_stored_as_it_was_written(client: httpx.AsyncClient) -> None:
    statement = "𠮷𰻝 \ue000 é é 👨‍👩‍👧 \u202e\u200d\t\n路灯"
    answer = await client.post("/intake/v1/filings", json=_filing(statement=statement))
    assert answer.status_code == 201
    assert answer.json() == {"statement": statement, "occurred_at": "2025-09-26T07:00:00+00:00"}


# Body as it is sent, status, field, rule. Every text that must not come back is a canary.
NAME, PHONE = CANARIES[1], CANARIES[0]
BAD_BODIES: list[tuple[str, bytes, int, str, str]] = [
    ("empty", b"", 422, "body", "required"),
    ("not JSON", b"{statement}", 400, "body", "json"),
    ("cut off", b'{"statement": "' + PHONE.encode(), 400, "body", "json"),
    ("two values", b"{} {}", 400, "body", "json"),
    ("depth 100,000", b"[" * 100_000, 400, "body", "depth"),
    ("depth 100,000 of objects", b'{"a":' * 100_000, 400, "body", "depth"),
    ("NaN", b'{"score": NaN}', 400, "body", "json"),
    ("Infinity", b'{"score": -Infinity}', 400, "body", "json"),
    ("integer of 5,000 digits", b'{"count": ' + b"9" * 5000 + b"}", 400, "body", "json"),
    ("a key twice", b'{"statement": "a", "statement": "b"}', 400, "body", "duplicate_key"),
    ("byte order mark", b"\xef\xbb\xbf{}", 400, "body", "json"),
    ("UTF-16", "{}".encode("utf-16"), 400, "body", "utf8"),
    ("wrong UTF-8", b'{"statement": "\xff"}', 400, "body", "utf8"),
    ("GB18030 called UTF-8", '{"statement": "路灯"}'.encode("gb18030"), 400, "body", "utf8"),
    ("a list", b"[]", 422, "body", "object"),
    ("a text", f'"{PHONE}"'.encode(), 422, "body", "object"),
    ("null", b"null", 422, "body", "object"),
]
BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"statement": ...}, "statement", "required"),
    ({"statement": None}, "statement", "text"),
    ({"statement": 13987654321}, "statement", "text"),
    ({"statement": [NAME]}, "statement", "text"),
    ({"statement": ""}, "statement", "too_short"),
    ({"statement": " \u3000\n"}, "statement", "blank"),
    ({"statement": f"{NAME}\x00"}, "statement", "control_character"),
    ({"statement": f"{NAME}\x1b[31m"}, "statement", "control_character"),
    ({"statement": f"{NAME}\ud800"}, "statement", "text"),
    ({"statement": NAME * 100}, "statement", "too_long"),
    ({"statement": PHONE * 100_000}, "statement", "too_long"),
    ({"occurred_at": "2025-09-26T15:00:00"}, "occurred_at", "instant"),
    ({"occurred_at": "2025-09-26"}, "occurred_at", "instant"),
    ({"occurred_at": "2025-02-30T15:00:00+08:00"}, "occurred_at", "instant"),
    ({"occurred_at": "2025-09-26T24:00:00+08:00"}, "occurred_at", "instant"),
    ({"occurred_at": "0001-01-01T00:00:00+08:00"}, "occurred_at", "instant"),
    ({"occurred_at": "9999-12-31T23:59:59-10:00"}, "occurred_at", "instant"),
    ({"occurred_at": "2025-09-26T15:00:00+99:00"}, "occurred_at", "instant"),
    ({"occurred_at": 1758870000}, "occurred_at", "instant"),
    ({"occurred_at": "1758870000"}, "occurred_at", "instant"),
    ({"occurred_at": 1e308}, "occurred_at", "instant"),
    ({"occurred_at": True}, "occurred_at", "instant"),
    ({"occurred_at": "2025-09-26T16:00:01+08:00"}, "occurred_at", "in_future"),
    ({"occurred_at": "2024-12-31T16:00:00+08:00"}, "occurred_at", "too_early"),
    ({"status": "closed"}, "status", "unknown_field"),
    ({PHONE: "x"}, "?", "unknown_field"),
    ({NAME: "x"}, "?", "unknown_field"),
    ({"a\r\nb": "x"}, "?", "unknown_field"),
    ({"type": NAME}, "type", "choice"),
    ({"score": NAME}, "score", "number"),
    ({"count": 11}, "count", "maximum"),
    ({"count": -1}, "count", "minimum"),
    ({"count": 1.5}, "count", "integer"),
    ({"count": "1x"}, "count", "integer"),
    ({"marks": ["a", "b", "c", "d"]}, "marks", "too_many"),
    ({"marks": ["a", PHONE + NAME]}, "marks.1", "too_long"),
    ({"requester": {"name": NAME, "phone": PHONE, "created_by": NAME}}, "requester.created_by", "unknown_field"),
    ({"requester": {"name": NAME}}, "requester.phone", "required"),
    ({"answers": {PHONE: NAME}}, "answers.?", "boolean"),
]


def _nothing_personal(*where: str) -> None:
    for place in where:
        for canary in CANARIES:
            assert canary not in place
            assert json.dumps(canary)[1:-1] not in place


@pytest.mark.parametrize(("_what", "body", "status", "field", "rule"), BAD_BODIES, ids=[row[0] for row in BAD_BODIES])
async def test_a_body_that_is_no_json_is_refused(
    _what: str, body: bytes, status: int, field: str, rule: str, client: httpx.AsyncClient, logs: io.StringIO
) -> None:
    answer = await client.post("/intake/v1/filings", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["fields"][0]["field"], problem["fields"][0]["rule"]) == (field, rule)
    _nothing_personal(answer.text, logs.getvalue())


@pytest.mark.parametrize(("changed", "field", "rule"), BAD_FIELDS)
async def test_a_bad_field_is_named_with_its_rule_and_not_repeated(
    changed: dict[str, Any], field: str, rule: str, client: httpx.AsyncClient, logs: io.StringIO
) -> None:
    filing = {name: value for name, value in _filing(**changed).items() if value is not ...}
    body = json.dumps(filing).encode()
    answer = await client.post("/intake/v1/filings", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert answer.status_code == 422, problem
    assert problem["code"] == "invalid_input"
    assert [(each["field"], each["rule"]) for each in problem["fields"]] == [(field, rule)]
    assert all(each["message"].endswith("。") for each in problem["fields"])
    _nothing_personal(answer.text, logs.getvalue())


async def test_a_number_beyond_counting_is_no_number(client: httpx.AsyncClient) -> None:
    body = json.dumps(_filing()).replace("}", ', "score": 1e400}').encode()
    answer = await client.post("/intake/v1/filings", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "score")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=gb18030"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
async def test_a_body_that_does_not_claim_to_be_json_is_refused(
    headers: dict[str, str], client: httpx.AsyncClient
) -> None:
    answer = await client.post("/intake/v1/filings", content=json.dumps(_filing()).encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_twelve_megabytes_are_refused_with_and_without_their_length_told(client: httpx.AsyncClient) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b" " * (1 << 20)

    for body in (b" " * (12 << 20), drip()):
        answer = await client.post("/intake/v1/filings", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    answer = await client.post("/intake/v1/filings", content=b"{}", headers={"content-length": "-1"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/intake/v1/nothing", 404, "not_found"),
        ("GET", "/elsewhere", 404, "not_found"),
        ("DELETE", "/intake/v1/filings", 405, "method_not_allowed"),
        ("PROPFIND", "/intake/v1/filings", 405, "method_not_allowed"),
        ("GET", f"/intake/v1/filings/{PHONE}", 422, "invalid_input"),
        ("GET", "/intake/v1/filings/01990000-0000-7000-8000-000000000000?limit=many", 422, "invalid_input"),
        ("GET", "/intake/v1/me", 401, "unauthenticated"),
        ("GET", "/intake/v1/errors/forbidden", 403, "forbidden"),
        ("GET", "/intake/v1/errors/foreign", 404, "not_found"),
        ("GET", "/intake/v1/errors/conflict", 409, "not_signed_in"),
        ("GET", "/intake/v1/errors/limit", 429, "too_many_requests"),
        ("GET", "/intake/v1/errors/bug", 500, "internal_error"),
        ("GET", "/intake/v1/errors/cause", 500, "internal_error"),
        ("GET", "/intake/v1/errors/database", 500, "internal_error"),
        ("GET", "/intake/v1/errors/unreachable", 503, "unavailable"),
        ("GET", "/intake/v1/errors/cut", 503, "unavailable"),
        ("GET", "/intake/v1/errors/slow", 503, "unavailable"),
    ],
)
async def test_every_refusal_is_a_problem_and_quotes_nothing(
    method: str, path: str, status: int, code: str, client: httpx.AsyncClient, logs: io.StringIO
) -> None:
    answer = await client.request(method, path)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert len(problem["trace"]) == 32
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    _nothing_personal(answer.text, logs.getvalue(), str(answer.headers))
    for line in logs.getvalue().splitlines():
        json.loads(line)


async def test_a_foreign_object_answers_exactly_as_an_absent_one(client: httpx.AsyncClient) -> None:
    answers = [(await client.get(f"/intake/v1/errors/{kind}")) for kind in ("foreign", "absent")]
    told = [{name: value for name, value in answer.json().items() if name != "trace"} for answer in answers]
    assert told[0] == told[1]
    assert answers[0].headers.keys() == answers[1].headers.keys()


async def test_a_conflict_says_what_is_allowed_and_why(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/intake/v1/errors/conflict")).json()
    assert problem["allowed"] == ["sign_in"]
    assert problem["basis"][0]["rule"] == "SYS-14"


async def test_one_bearer_token_is_wanted(client: httpx.AsyncClient, issuer: DevelopmentIssuer) -> None:
    token = issuer.issue("viewer")
    assert (await client.get("/intake/v1/me", headers={"authorization": f"Bearer {token}"})).json() == {
        "role": "viewer"
    }
    doubled = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    for headers in ([("authorization", f"Basic {token}")], [("authorization", token)], doubled):
        answer = await client.get("/intake/v1/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_typed_into_an_address_or_a_header_is_in_no_log_line(
    client: httpx.AsyncClient, logs: io.StringIO
) -> None:
    for canary in CANARIES:
        await client.get(f"/intake/v1/filings/{canary}", params={"phone": canary, "limit": canary})
        await client.get(f"/{canary}", headers=[(b"x-phone", canary.encode())])
        await client.get("/intake/v1/me", headers=[(b"authorization", b"Bearer " + canary.encode())])
    assert len(logs.getvalue().splitlines()) == 12
    _nothing_personal(logs.getvalue())
    figures = (await client.get("/intake/metrics")).text
    assert 'status="422"' in figures
    _nothing_personal(figures)
