"""``hotline policy explain``: what a pack says about a situation, from files alone."""

import json
from datetime import datetime
from typing import Any, Final

import pytest
from tests.support.wire import at
from typer.testing import CliRunner

from hotline.cli import app

FRIDAY: Final = ["--at", "2025-09-26T16:00"]
COMPLAINT: Final = ["--type", "complaint", "--channel", "phone"]


def told(pack: str, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["policy", "explain", pack, *FRIDAY, *options, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_every_limit_is_told_with_its_end_its_days_and_its_clause() -> None:
    found = told("shuangyashan", *COMPLAINT)
    limits = {one["kind"]: one for one in found["limits"]}
    closing = limits["closing"]
    assert (closing["name"], closing["runs_from"]) == ("办结", "dispatched")
    assert datetime.fromisoformat(closing["due_at"]) == at("2025-10-24 00:00")
    assert {"on": "2025-09-28", "counts": True, "why": "调休上班"} in closing["explanation"]
    assert closing["bases"][0]["article"] == "第十六条（三）"
    assert limits["first_response"]["exempt"] is True
    assert "assumption" in limits["first_response"]["bases"][0]


def test_returns_extensions_and_who_decides_are_told_with_their_clauses() -> None:
    found = told("shuangyashan", "--type", "inquiry", "--channel", "phone")
    said = {(one["what"], one["says"]): one["basis"] for one in found["returns"]}
    assert said["超期退单", "仍然审核，标注超期"][0]["article"] == "第十八条"
    assert ("未填写即不予通过", "理由、依据") in said
    asked = {one["what"]: one["says"] for one in found["extensions"]}
    assert asked["此类诉求"] == "原则上不予延期，同意的应当说明理由"
    assert asked["次数"] == "同一单位对同一工单最多2次"
    assert found["decided_by"][0]["says"] == "审核人员，本单位提出的回避"


def test_the_same_situation_reads_otherwise_in_another_city() -> None:
    found = told("zhenru", *COMPLAINT, "--anonymous", "--no-contact")
    limits = {one["kind"]: one for one in found["limits"]}
    assert limits["first_contact"]["exempt"] is True
    assert limits["level1_contact"]["readings"]["in_force"] == "annex"
    assert {one["what"]: one["says"] for one in found["returns"]}["再次办理的"] == "不得退单"


def test_marks_decide_which_limit_there_is() -> None:
    for options in (["--marks", "special,urgent"], ["--mark", "special", "--mark", "urgent"]):
        limits = {one["kind"]: one for one in told("shuangyashan", *COMPLAINT, *options)["limits"]}
        assert datetime.fromisoformat(limits["first_response"]["due_at"]) == at("2025-09-26 20:00")


def test_it_is_read_by_an_official_in_chinese() -> None:
    result = CliRunner().invoke(app, ["policy", "explain", "shuangyashan", *FRIDAY, *COMPLAINT, "--kind", "sign_in"])
    assert result.exit_code == 0, result.output
    for words in (
        "自2025年9月26日16:00起算，期限1个工作日。",
        "9月28日（周日）：调休上班，第1日。",
        "第十六条",
        "由谁决定",
    ):
        assert words in result.stdout
    assert "办结" not in result.stdout.split("由谁决定")[0].split("退单")[0]


def test_a_first_day_that_was_assumed_is_said_to_be_and_why() -> None:
    assumed = told("xinglongtai", *COMPLAINT)["effective_assumed"]
    assert "通报未写施行日期" in assumed
    assert told("shuangyashan", *COMPLAINT)["effective_assumed"] is None, "第三十六条 says it"
    result = CliRunner().invoke(app, ["policy", "explain", "xinglongtai", *FRIDAY, *COMPLAINT])
    assert "施行日期是推定的：通报未写施行日期" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere", *FRIDAY], "No pack nowhere"),
        (["shuangyashan", *FRIDAY], "situation.type（required）"),
        (["shuangyashan", *FRIDAY, "--type", "x"], "situation.type"),
        (["shuangyashan", *FRIDAY, *COMPLAINT, "--mark", "blue"], "situation.marks（not_in_pack）"),
        (["shuangyashan", "--at", "yesterday", *COMPLAINT], "--at"),
        (["shuangyashan", *FRIDAY, *COMPLAINT, "--kind", "nonsense"], "kind"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_a_sentence(options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["policy", "explain", *options])
    assert result.exit_code == 2
    assert said in result.stderr
