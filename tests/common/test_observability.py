"""Every log line is one JSON object that holds nothing personal; a trace goes on from the request to the fact."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import generate_latest
from tests.support.logs import captured_logs

from common.observability import (
    Metrics,
    attach_traceparent,
    configure_tracing,
    current_trace_id,
    current_traceparent,
    describe,
    logger,
    masked_for_log,
)

CANARY_PHONE, CANARY_NAME, CANARY_CARD = "13987654321", "欧阳震华", "23050319880101123X"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    with captured_logs("intake") as stream:
        yield stream


def _lines(logs: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logs.getvalue().splitlines()]


def test_a_line_says_when_where_and_what(logs: io.StringIO) -> None:
    logger("returns").info("return_denied", ticket="01990000", rule="SYS-18", at_round=2)
    (line,) = _lines(logs)
    assert {
        "event": "return_denied",
        "topic": "returns",
        "service": "intake",
        "rule": "SYS-18",
        "at_round": 2,
    }.items() <= (line.items())
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("key", ["name", "phone", "Statement", "requester", "address", "body", "token", "original"])
def test_what_stands_under_a_personal_key_is_hidden(logs: io.StringIO, key: str) -> None:
    logger("x").info("told", **{key: CANARY_NAME}, nested={key: [CANARY_NAME]})
    assert CANARY_NAME not in logs.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        CANARY_PHONE,
        f"call {CANARY_PHONE} back",
        int(CANARY_PHONE),
        [CANARY_PHONE],
        {"a": {"b": CANARY_PHONE}},
        CANARY_CARD,
        "139 8765 4321",
        "+86 139-8765-4321",
        "0469-4123456",
        "someone@example.com",
        {CANARY_PHONE: 1},
    ],
)
def test_what_looks_like_a_number_or_an_address_is_hidden(logs: io.StringIO, value: object) -> None:
    logger("x").info("told", detail=value)
    written = logs.getvalue()
    for canary in (CANARY_PHONE, CANARY_CARD, "8765", "4123456", "someone@"):
        assert canary not in written


@pytest.mark.parametrize(
    "kept", ["01990000-1381-2345-6789-123456789012", "20250926000123", "SYS-18", "shuangyashan@3f2a"]
)
def test_ids_and_numbers_of_tickets_stay_readable(kept: str) -> None:
    assert masked_for_log(kept) == kept


def test_any_uuid_survives_the_mask() -> None:
    for number in range(2000):
        written = str(UUID(int=(0x0199_0000_0000_7000_8000 << 48) + 13_800_000_000_0 * number))
        assert masked_for_log(written) == written


@pytest.mark.parametrize(
    "evil",
    [
        "a\r\nb",
        "a\x1b[31mred",
        '","level":"error',
        "\u2028\u2029\x85\x9b31m",
        "\u202eabc",
        "\ud800",
        "\x00",
        "x" * 1_000_000,
    ],
)
def test_one_fact_is_one_line_whatever_it_holds(logs: io.StringIO, evil: str) -> None:
    logger("x").info("told", detail=evil)
    logger("x").info(evil)
    written = logs.getvalue()
    assert written.count("\n") == 2
    assert len(_lines(logs)) == 2
    assert len(written) < 10_000
    written.encode("utf-8")
    assert not any(
        (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2028" for char in written
    )


def test_an_exception_is_told_by_kind_and_place_without_its_words(logs: io.StringIO) -> None:
    def fails() -> None:
        try:
            raise KeyError(CANARY_NAME)
        except KeyError as error:
            raise ValueError(CANARY_NAME) from error

    try:
        fails()
    except ValueError:
        logger("x").exception("broken")
        logging.getLogger("library").exception("broken too")
    first, second = _lines(logs)
    assert [each["kind"] for each in first["raised"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert "test_observability.py" in first["raised"][0]["at"][-1]
    assert second["raised"] == first["raised"]
    assert CANARY_NAME not in logs.getvalue()


def test_the_sql_state_is_told_and_the_detail_is_not() -> None:
    class Refused(Exception):
        sqlstate = "23505"

    (told,) = describe(Refused(f"Key (phone)=({CANARY_PHONE}) already exists"))
    assert told["sqlstate"] == "23505"
    assert CANARY_PHONE not in json.dumps(told)


def test_the_libraries_and_the_server_write_the_same_lines(logs: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started, %s", CANARY_PHONE)
    logging.getLogger("uvicorn.access").info("GET /x?phone=%s", CANARY_PHONE)
    logging.getLogger("sqlalchemy.engine").info("insert %s", CANARY_NAME)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"about {CANARY_PHONE}", UserWarning, stacklevel=1)
    assert [line["logger"] for line in _lines(logs)] == ["uvicorn.error", "py.warnings"]
    assert CANARY_PHONE not in logs.getvalue()
    assert CANARY_NAME not in logs.getvalue()


def test_a_trace_goes_from_the_request_to_the_fact_and_on(logs: io.StringIO) -> None:
    configure_tracing("intake")
    assert current_traceparent() is None
    with attach_traceparent(None, "POST /v1/tickets"):
        stored = current_traceparent()
        trace = current_trace_id()
    assert stored is not None
    assert trace is not None
    with attach_traceparent(stored, "TicketCreated"):
        assert current_trace_id() == trace
        logger("x").info("consumed")
    assert _lines(logs)[0]["trace"] == trace
    assert current_traceparent() is None


@pytest.mark.parametrize(
    "malformed", ["", "x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "g" * 32, "9" * 10_000]
)
def test_a_malformed_parent_begins_a_new_trace(malformed: str) -> None:
    configure_tracing("intake")
    with attach_traceparent(malformed, "x"):
        assert current_trace_id() not in (None, "0" * 32)


def test_two_services_in_one_process_keep_their_figures_apart() -> None:
    intake, sla = Metrics("intake"), Metrics("sla")
    intake.counter("tickets_registered", "Registered tickets").inc()
    sla.gauge("overdue", "Overdue rows").set(3)
    assert b'hotline_tickets_registered_total{service="intake"} 1.0' in generate_latest(intake.registry)
    assert b"overdue" not in generate_latest(intake.registry)
    assert b'hotline_overdue{service="sla"} 3.0' in generate_latest(sla.registry)
