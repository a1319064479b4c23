"""A pack that extends another: what is merged, what is left out, and what can not be extended."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.calendar import WorkingCalendar
from common.policy import Finding, Pack, PackInvalid, Situation, check_packs, load_pack, pack_directories
from common.policy.limits import Limit, NoLimit
from hotline.mutation import try_pack
from hotline.rehearsal import check_pack

POLICIES = Path(__file__).parents[2] / "policies"
CITY = """\
extends: _national
jurisdiction: city
name: 某市12345热线
effective: {from: 2025-01-01, rule: O-8, assumption: 自印发之日起。}
main_document: measures
documents:
  measures: {title: 某市热线办法, published_on: 2025-01-01}
ticket:
  numbering: {format: "CT{date:%Y%m%d}{seq:06d}", rule: G-1, assumption: 便于报读。}
unit_kinds:
  department: {label: 部门, rule: G-1, assumption: 各部门。}
units: []
"""
SUMMER = datetime(2025, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder of packs that somebody is working on: the base, and a city over it."""

    policies: Path

    def write(self, place: str, text: str) -> None:
        (self.policies / place).parent.mkdir(parents=True, exist_ok=True)
        (self.policies / place).write_text(text, encoding="utf-8")

    def pack(self) -> Pack:
        return load_pack(self.policies / "city")

    def findings(self) -> tuple[Finding, ...]:
        with pytest.raises(PackInvalid) as refused:
            self.pack()
        return refused.value.findings

    def told(self) -> list[tuple[str, int | None, str]]:
        """Each finding: the file with its directory, the line, the sentence."""
        return [
            (finding.file.relative_to(self.policies).as_posix() if finding.file else "", finding.line, finding.sentence)
            for finding in self.findings()
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    shutil.copytree(POLICIES / "_national", tmp_path / "_national")
    desk = Desk(tmp_path)
    desk.write("city/pack.yaml", CITY)
    return desk


def test_what_a_city_is_silent_on_it_inherits(desk: Desk) -> None:
    pack = desk.pack()
    assert pack.extends == "_national"
    assert tuple(pack.ticket.types) == ("inquiry", "help", "suggestion", "praise", "complaint", "tip_off")
    assert pack.limits.counting.basis.document == "中华人民共和国民法典"
    assert (pack.extensions, pack.consultation, pack.escalation, pack.supervision) == (None, None, None, None)
    assert (pack.accountability, pack.restrictions, pack.notices, pack.cessation) == (None, None, None, None)


def test_a_city_that_is_silent_on_limits_has_none(desk: Desk) -> None:
    limits = desk.pack().limits
    assert set(limits.kinds()) == {"return_window", "closing"}
    for kind in limits.kinds():
        for type_ in desk.pack().ticket.types:
            assert isinstance(limits.find(kind, Situation(type=type_)), NoLimit)
    assert limits.law_overrides.kinds == ("closing",)


def test_a_city_that_is_silent_on_returns_has_them_reviewed_without_a_limit(desk: Desk) -> None:
    returns = desk.pack().returns
    assert returns.denied_by_rule({"reason"}, designated=True) is None
    ground = returns.denied_by_rule({"legal_basis"}, designated=False)
    assert ground is not None
    assert ground.code == "missing_reason"
    assert (returns.approved.value, returns.denied.value) == ("clocks_restart", "first_clock")
    assert returns.reviewer_recused_for_own_unit.value


def test_the_base_has_the_numbers_of_no_city() -> None:
    for file in sorted((POLICIES / "_national").glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        assert "allowance" not in text
        for city in ("双鸭山", "同江", "清远", "兴隆台", "真如"):
            assert city not in text


def test_tables_are_merged_by_key_and_a_value_with_its_rule_is_replaced_whole(desk: Desk) -> None:
    desk.write(
        "city/limits.yaml",
        "limits:\n  kinds:\n    closing:\n      rules:\n"
        "        - {allowance: {amount: 3, unit: working_days}, rule: G-4, source: {article: 三, quote: 三个工作日}}\n"
        "returns:\n  late: {value: refused_and_marked_overdue, rule: G-4, assumption: 不予审核。}\n",
    )
    pack = desk.pack()
    closing = pack.limits.find("closing", Situation(type="help"))
    assert isinstance(closing, Limit)
    assert (closing.allowance.amount if closing.allowance else None, closing.anchor) == (3, "dispatched")
    assert closing.basis.document == "某市热线办法"
    assert isinstance(pack.limits.find("return_window", Situation(type="help")), NoLimit)
    assert (pack.returns.late.rule, pack.returns.late.assumption) == ("G-4", "不予审核。")
    assert pack.returns.before_sign_in.rule == "N-3"


def test_a_list_is_replaced_whole(desk: Desk) -> None:
    desk.write(
        "city/returns.yaml",
        "returns:\n  denied_when_missing: {value: [legal_basis], rule: G-4, assumption: 只要依据。}\n",
    )
    assert desk.pack().returns.denied_when_missing.value == ("legal_basis",)


def test_null_leaves_out_what_the_base_has(desk: Desk) -> None:
    desk.write("city/ticket.yaml", "acceptance:\n  grounds: {secrets_privacy_morals: null}\n")
    assert tuple(desk.pack().acceptance.grounds) == ("statutory_procedure", "emergency", "other_law")


def test_null_for_what_a_pack_can_not_do_without_is_refused(desk: Desk) -> None:
    desk.write("city/returns.yaml", "returns:\n  late: null\n")
    assert [sentence for _, _, sentence in desk.told()] == ["'late' is missing"]


def test_a_mistake_in_the_base_is_told_with_the_bases_file_and_line(desk: Desk) -> None:
    base = desk.policies / "_national" / "limits.yaml"
    text = base.read_text(encoding="utf-8")
    base.write_text(text.replace("law_overrides", "law_overides"), encoding="utf-8")
    line = text[: text.index("law_overrides")].count("\n") + 1
    sentence = "unknown key 'law_overides'; did you mean 'law_overrides'?"
    assert ("_national/limits.yaml", line, sentence) in desk.told()


def test_a_base_that_does_not_lie_beside_it_is_named(desk: Desk) -> None:
    shutil.rmtree(desk.policies / "_national")
    assert desk.told() == [("city/pack.yaml", 1, "it extends '_national', which does not lie beside it")]


def test_packs_that_extend_one_another_in_a_circle_are_refused(desk: Desk) -> None:
    desk.write("_national/extends.yaml", "extends: _middle\n")
    desk.write("_middle/pack.yaml", "extends: _national\n")
    circle = "packs extend one another in a circle: city → _national → _middle → _national"
    assert desk.told() == [("_middle/pack.yaml", 1, circle)]


def test_a_pack_that_extends_itself_is_refused(desk: Desk) -> None:
    desk.write("city/pack.yaml", CITY.replace("_national", "city"))
    assert desk.told() == [("city/pack.yaml", 1, "packs extend one another in a circle: city → city")]


def test_a_base_over_a_base_is_merged_from_the_bottom(desk: Desk) -> None:
    desk.write("_middle/pack.yaml", "extends: _national\nclosing: {check: true, rule: G-4, assumption: 审核。}\n")
    desk.write("city/pack.yaml", CITY.replace("_national", "_middle"))
    pack = desk.pack()
    assert (pack.closing.check, pack.returns.late.rule) == (True, "N-3")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("jurisdiction", "jurisdiction: city"),
        ("name", "name: 某市"),
        ("effective", "effective: {from: 2025-01-01}"),
        ("main_document", "main_document: civil_code"),
    ],
)
def test_a_base_says_nothing_of_a_jurisdiction(desk: Desk, key: str, text: str) -> None:
    desk.write("_national/more.yaml", f"{text}\n")
    assert desk.told() == [("_national/more.yaml", 1, f"{key!r} is not for a pack that others extend")]


def test_a_source_of_a_base_names_its_document(desk: Desk) -> None:
    desk.write(
        "_national/more.yaml",
        "cessation:\n  explained:\n    value: always\n    rule: G-4\n    source: {article: 第三条, quote: 应当解释}\n",
    )
    sentence = "a pack that others extend names the document of each source"
    assert desk.told() == [("_national/more.yaml", 5, sentence)]


def test_a_value_of_a_base_needs_a_source_or_an_assumption(desk: Desk) -> None:
    desk.write("_national/more.yaml", "cessation:\n  explained: {value: always, rule: G-4}\n")
    (first, *_) = [told for told in desk.told() if told[2] == "neither a source nor an assumption is given"]
    assert first[:2] == ("_national/more.yaml", 2)


def test_two_rows_for_one_situation_whose_dates_overlap_are_refused(desk: Desk) -> None:
    row = "        - {%s, rule: G-4, source: {article: 第三条, quote: 工作日内办结}, effective: {from: %s}}\n"
    desk.write(
        "city/limits.yaml",
        "limits:\n  kinds:\n    closing:\n      rules:\n"
        + row % ("allowance: {amount: 3, unit: working_days}", "2025-01-01, to: 2025-06-30")
        + row % ("allowance: {amount: 5, unit: working_days}", "2025-06-30"),
    )
    sentence = "two rows of closing for the same situation have overlapping dates"
    assert ("city/limits.yaml", 6, sentence) in desk.told()
    desk.write(
        "city/limits.yaml",
        (desk.policies / "city/limits.yaml").read_text().replace("{from: 2025-06-30}", "{from: 2025-07-01}"),
    )
    closing = desk.pack().limits.find("closing", Situation(type="help"), SUMMER.date())
    assert isinstance(closing, Limit)
    assert closing.allowance is not None
    assert closing.allowance.amount == 5


def test_bases_are_in_force_nowhere(desk: Desk) -> None:
    assert [directory.name for directory in pack_directories(desk.policies)] == ["city"]
    assert check_packs(desk.policies) == []


def test_scenarios_of_the_base_hold_for_the_city_that_does_not_say_otherwise(
    desk: Desk, calendar: WorkingCalendar
) -> None:
    assert check_pack(desk.policies / "city", calendar) == []
    desk.write("city/closing.yaml", "closing: {check: true, rule: G-4, assumption: 审核。}\n")
    (finding,) = check_pack(desk.policies / "city", calendar)
    assert finding.file == desk.policies / "_national" / "scenarios" / "回访.yaml"
    assert finding.sentence == (
        "办结报告提交即为办结: a closing report closes the ticket at once: expected True, the pack says False"
    )
    desk.write("city/scenarios/办结.yaml", "办结报告提交即为办结: {words: 须经审核。, closes_at_once: false}\n")
    assert check_pack(desk.policies / "city", calendar) == []
    desk.write("city/scenarios/办结.yaml", "办结报告提交即为办结: null\n")
    assert check_pack(desk.policies / "city", calendar) == []


def test_a_scenario_that_no_base_has_can_not_be_left_out(desk: Desk, calendar: WorkingCalendar) -> None:
    desk.write("city/scenarios/办结.yaml", "没有这个题目: null\n")
    (finding,) = check_pack(desk.policies / "city", calendar)
    assert (finding.line, finding.sentence) == (1, "没有这个题目: no base has such a scenario that could be left out")


def test_what_is_inherited_is_mutated_with_the_city(desk: Desk) -> None:
    shutil.copytree(POLICIES / "calendar", desk.policies / "calendar")
    inherited = try_pack(desk.policies / "city", only="callbacks.archive_when", processes=1)
    assert (inherited.survivors, inherited.noticed > 0) == ((), True)
    (survivor, *_) = try_pack(desk.policies / "city", only="returns.before_sign_in", processes=1).survivors
    assert survivor.file == desk.policies / "_national" / "returns.yaml"
