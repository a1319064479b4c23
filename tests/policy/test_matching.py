"""What the typed matchers hold for."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.policy import Situation, When

STREETLIGHT = Situation(
    type="complaint",
    channel="phone",
    category="城市管理/市政道路/路灯",
    urgency="normal",
    marks=frozenset({"urgent", "overdue"}),
    round=2,
)

HOLDS: list[tuple[dict[str, Any], bool, str]] = [
    ({"type": {"eq": "complaint"}}, True, "the type is this one"),
    ({"type": {"eq": "help"}}, False, "the type is another"),
    ({"type": {"in": ["tip_off", "complaint"]}}, True, "the type is one of several"),
    ({"channel": {"in": ["web", "wechat"]}}, False, "the channel is none of several"),
    ({"category": {"prefix": "城市管理/"}}, True, "the category lies under this one"),
    ({"category": {"prefix": "住建/"}}, False, "the category lies elsewhere"),
    ({"urgency": {"eq": "normal"}}, True, "the urgency"),
    ({"marks": {"eq": "urgent"}}, True, "one of the marks"),
    ({"marks": {"in": ["recheck", "overdue"]}}, True, "one of the marks is one of several"),
    ({"marks": {"eq": "recheck"}}, False, "a mark the ticket does not have"),
    ({"not": {"marks": {"eq": "recheck"}}}, True, "without that mark"),
    ({"round": {"gte": 2}}, True, "from the second round on"),
    ({"round": {"gte": 3}}, False, "from the third round on"),
    ({"round": {"lte": 2}}, True, "up to the second round"),
    ({"round": {"gte": 2, "lte": 2}}, True, "both limits are included"),
    ({"round": {"in": [1, 3]}}, False, "none of these rounds"),
    ({"type": {"eq": "complaint"}, "channel": {"eq": "web"}}, False, "all that is named must hold"),
    ({"all": [{"marks": {"eq": "urgent"}}, {"marks": {"eq": "overdue"}}]}, True, "both marks"),
    ({"any": [{"type": {"eq": "help"}}, {"channel": {"eq": "phone"}}]}, True, "either"),
    ({"any": [{"type": {"eq": "help"}}, {"channel": {"eq": "web"}}]}, False, "neither"),
    ({"not": {"all": [{"type": {"eq": "complaint"}}, {"round": {"eq": 2}}]}}, False, "not both, but it is both"),
]


@pytest.mark.parametrize(
    ("condition", "expected"), [(c, e) for c, e, _ in HOLDS], ids=[reading for _, _, reading in HOLDS]
)
def test_a_condition_reads_as_a_clerk_reads_it(condition: dict[str, Any], expected: bool) -> None:
    assert When.model_validate(condition).holds(STREETLIGHT) is expected


@pytest.mark.parametrize("field", ["type", "channel", "category", "urgency", "marks"])
def test_what_is_not_known_of_a_ticket_matches_nothing(field: str) -> None:
    assert not When.model_validate({field: {"prefix": "a"}}).holds(Situation())


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"type": {}},
        {"type": {"gte": "a"}},
        {"round": {"prefix": "1"}},
        {"round": {"eq": True}},
        {"round": {"eq": "2"}},
        {"type": {"eq": 1}},
        {"type": {"in": []}},
        {"any": []},
        {"type": "complaint"},
        {"expression": "type == 'complaint'"},
    ],
    ids=str,
)
def test_what_is_no_typed_matcher_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        When.model_validate(condition)
