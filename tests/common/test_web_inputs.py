"""What a body's field may be: whole numbers and truth values as such, all else as JSON can say it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError

from common.web.inputs import ApiModel, Instant, Parameters
from common.web.rules import explained
from dispatch.assignment.routes import Assignment, SignIn
from dispatch.contacts.routes import ContactMade, Progress
from dispatch.units.routes import UnitEntry
from intake.callbacks.routes import CallbackInput
from intake.registration.routes import Registration
from review.returns.routes import NewReturn
from sla.routes.policies import Activation

NO_NUMBER: tuple[Any, ...] = ("1", 1.0, True, [1])
NO_TRUTH: tuple[Any, ...] = ("true", "yes", 1, 0, "")

FIELDS: list[tuple[type[ApiModel], str, tuple[Any, ...], str]] = [
    (Assignment, "round", NO_NUMBER, "integer"),
    (Assignment, "designated", NO_TRUTH, "boolean"),
    (SignIn, "round", NO_NUMBER, "integer"),
    (ContactMade, "round", NO_NUMBER, "integer"),
    (ContactMade, "attempts", NO_NUMBER, "integer"),
    (Progress, "round", NO_NUMBER, "integer"),
    (Progress, "concludes_part", NO_TRUTH, "boolean"),
    (UnitEntry, "kafka_feed", NO_TRUTH, "boolean"),
    (CallbackInput, "round", NO_NUMBER, "integer"),
    (CallbackInput, "responded", NO_TRUTH, "boolean"),
    (CallbackInput, "resolved", NO_TRUTH, "boolean"),
    (Registration, "consent", NO_TRUTH, "boolean"),
    (Registration, "told", NO_TRUTH, "boolean"),
    (NewReturn, "round", NO_NUMBER, "integer"),
    (Activation, "preview", NO_TRUTH, "boolean"),
]


@pytest.mark.parametrize(("body", "field", "wrong", "rule"), FIELDS, ids=[f"{b.__name__}.{f}" for b, f, _, _ in FIELDS])
def test_a_body_takes_no_text_for_a_number_and_no_number_for_a_truth_value(
    body: type[ApiModel], field: str, wrong: tuple[Any, ...], rule: str
) -> None:
    for value in wrong:
        with pytest.raises(ValidationError) as refused:
            body.model_validate({field: value})
        told = [explained(error) for error in refused.value.errors() if error["loc"] == (field,)]
        assert [name for name, _ in told] == [rule], (value, told)


def test_the_values_that_may_be_are_listed_as_a_chinese_sentence_lists_them() -> None:
    with pytest.raises(ValidationError) as refused:
        Registration.model_validate({"mode": "by letter"})
    told = [explained(error) for error in refused.value.errors() if error["loc"] == ("mode",)]
    assert told == [("choice", "不在允许的取值之内：three_way、transfer。")]


class Inner(ApiModel):
    sure: bool


class Foreign(BaseModel):
    """A model that is not ours to make exact."""

    number: int


class Body(ApiModel):
    id: UUID
    on: date
    at: Instant
    kind: Literal["a", "b"]
    numbers: tuple[Annotated[int, Field(ge=1)], ...]
    inner: Inner | None = None
    foreign: Foreign | None = None


class Heir(Body):
    more: int = 0


GOOD: dict[str, Any] = {
    "id": "0199827a-0000-7000-8000-000000000000",
    "on": "2025-09-26",
    "at": "2025-09-26T16:00:00+08:00",
    "kind": "a",
    "numbers": [1, 2],
    "inner": {"sure": True},
    "foreign": {"number": "5"},
}


def test_what_json_has_no_type_for_is_read_from_what_it_has() -> None:
    body = Body.model_validate(GOOD)
    assert (body.id, body.on) == (UUID(GOOD["id"]), date(2025, 9, 26))
    assert (body.at, body.numbers) == (datetime(2025, 9, 26, 8, tzinfo=UTC), (1, 2))
    assert body.foreign is not None
    assert body.foreign.number == 5


@pytest.mark.parametrize(
    ("wrong", "place"), [({"numbers": ["1"]}, ("numbers", 0)), ({"inner": {"sure": "true"}}, ("inner", "sure"))]
)
def test_exactness_reaches_into_lists_and_inner_bodies(wrong: dict[str, Any], place: tuple[Any, ...]) -> None:
    for body in (Body, Heir):
        with pytest.raises(ValidationError) as refused:
            body.model_validate({**GOOD, **wrong})
        assert [error["loc"] for error in refused.value.errors()] == [place]


def test_a_querys_parameters_come_as_text() -> None:
    class Wanted(Parameters):
        size: int
        all: bool

    assert Wanted.model_validate({"size": "5", "all": "true"}) == Wanted(size=5, all=True)
