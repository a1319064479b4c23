"""The clerk's scenarios come out as written; what is wrong with one is told with its line."""

from pathlib import Path
from typing import TYPE_CHECKING

from common.calendar import WorkingCalendar
from hotline.rehearsal import Scenario, check_pack, check_packs

if TYPE_CHECKING:
    from tests.policy.conftest import Draft

POLICIES = Path(__file__).parents[2] / "policies"


def test_every_pack_and_every_scenario_holds() -> None:
    assert [str(finding) for finding in check_packs(POLICIES)] == []


def test_only_the_packs_that_are_named_are_checked() -> None:
    assert check_packs(POLICIES, ("shuangyashan",)) == []
    assert check_packs(POLICIES / "shuangyashan")[0].sentence, "there is no calendar"


def test_a_scenario_that_fails_is_named_with_its_line(draft: "Draft", calendar: WorkingCalendar) -> None:
    draft.rewrite(
        "limits.yaml",
        "{amount: 2, unit: working_days}\n          rule: SYS-16",
        "{amount: 3, unit: working_days}\n          rule: SYS-16",
    )
    told = [str(finding) for finding in check_pack(draft.directory, calendar)]
    assert any(
        "办结.yaml:2: 咨询件两个工作日办结: closing due: expected 2025-09-30T00:00:00+08:00, the pack says 2025-10-01"
        in line
        for line in told
    )


def test_a_misspelt_expectation_is_named_with_its_line(draft: "Draft", calendar: WorkingCalendar) -> None:
    line = draft.rewrite(
        "scenarios/回访.yaml", "satisfaction: satisfied}, archives", "satisfaction: satisfied}, archive"
    )
    (finding, *_) = [found for found in check_pack(draft.directory, calendar) if "unknown key" in found.sentence]
    assert (finding.line, finding.sentence) == (
        line,
        "响应、解决、满意都肯定的直接归档: unknown key 'archive'; did you mean 'archives'?",
    )


def test_a_pack_without_scenarios_is_not_proven(draft: "Draft", calendar: WorkingCalendar) -> None:
    for file in (draft.directory / "scenarios").iterdir():
        file.unlink()
    assert [finding.sentence for finding in check_pack(draft.directory, calendar)] == [
        "the pack of shuangyashan has no scenario"
    ]


def test_a_deadline_without_a_moment_proves_nothing(draft: "Draft", calendar: WorkingCalendar) -> None:
    draft.add(
        "scenarios/新.yaml",
        "没有写派单时间:\n  words: 忘了写。\n  situation: {type: help}\n"
        "  deadlines:\n    closing: {due_at: 2025-03-20T00:00:00+08:00, article: 第十六条（二）, derivation: 五日。}\n",
    )
    assert [finding.sentence for finding in check_pack(draft.directory, calendar)] == [
        "没有写派单时间: deadlines need a situation and the moment of dispatch"
    ]


def test_the_guide_for_clerks_names_every_key_of_a_scenario() -> None:
    guide = (POLICIES / "README.md").read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in Scenario.model_fields.items()}
    assert sorted(key for key in keys if f"`{key}`" not in guide) == []
