"""Where a document contradicts itself: both readings are kept, one is in force, and none may be malformed."""

from typing import TYPE_CHECKING

import pytest

from common.calendar import Allowance
from common.policy import Limit, Situation, load_pack

if TYPE_CHECKING:
    from tests.policy.conftest import Draft

PLAIN = """\
        - when: {type: {eq: inquiry}}
          allowance: {amount: 2, unit: working_days}
          rule: SYS-16
          source: {article: 第十六条（一）, quote: 咨询类事项2个工作日内}
"""
TWO = """\
        - when: {type: {eq: inquiry}}
          readings:
            text:
              allowance: {amount: 2, unit: working_days}
              source: {article: 第十六条（一）, quote: 咨询类事项2个工作日内}
            annex:
              allowance: {amount: 3, unit: working_days}
              source: {article: 附件, quote: 咨询类事项3个工作日内}
          in_force: text
          rule: SYS-16
          assumption: 正文与附件不一致，以正文为准。
"""


def closing_of(draft: "Draft") -> Limit:
    found = load_pack(draft.directory).limits.find("closing", Situation(type="inquiry"))
    assert isinstance(found, Limit)
    return found


def test_the_reading_in_force_counts_with_its_own_clause(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", PLAIN, TWO)
    found = closing_of(draft)
    assert (found.allowance, found.basis.article) == (Allowance(2, "working_days"), "第十六条（一）")
    assert "以正文为准" in (found.basis.assumption or "")


def test_another_reading_is_put_in_force_by_one_word_and_makes_another_version(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", PLAIN, TWO)
    before = load_pack(draft.directory).version
    draft.rewrite("limits.yaml", "in_force: text", "in_force: annex")
    found = closing_of(draft)
    assert (found.allowance, found.basis.article) == (Allowance(3, "working_days"), "附件")
    assert load_pack(draft.directory).version != before


def test_both_readings_travel_with_the_pack(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", PLAIN, TWO)
    row = load_pack(draft.directory).dump()["limits"]["kinds"]["closing"]["rules"][0]
    assert (set(row["readings"]), row["in_force"]) == ({"text", "annex"}, "text")


def test_a_single_value_may_have_readings_too(draft: "Draft") -> None:
    draft.rewrite(
        "clusters.yaml",
        "    count: 10\n    rule: SYS-8.5\n"
        "    source: {article: 第八条（五）, quote: 反映相对集中、突出的涉及本单位职责的诉求}\n"
        "    assumption: 条文只写“相对集中”",
        "    readings:\n"
        "      ten: {count: 10, source: {article: 第八条（五）, quote: 反映相对集中、突出}}\n"
        "      five: {count: 5, source: {article: 附件, quote: 五件以上}}\n"
        "    in_force: five\n    rule: SYS-8.5\n    assumption: 条文只写“相对集中”",
    )
    clusters = load_pack(draft.directory).clusters
    assert clusters is not None
    assert (clusters.reached.count, clusters.reached.basis.article) == (5, "附件")


REFUSED = [
    pytest.param(
        "in_force: text",
        "in_force: txt",
        "`in_force` is 'txt', which is none of the readings text, annex",
        id="a reading in force that is not among them",
    ),
    pytest.param(
        "          in_force: text\n",
        "",
        "`in_force` is None, which is none of the readings text, annex",
        id="no reading in force",
    ),
    pytest.param(
        "              source: {article: 附件, quote: 咨询类事项3个工作日内}\n",
        "",
        "the reading 'annex' does not say where it stands",
        id="a reading without a source",
    ),
    pytest.param(
        "{amount: 3, unit: working_days}\n              source: {article: 附件",
        "{amount: 0, unit: working_days}\n              source: {article: 附件",
        "'amount' must be greater than 0, not 0; no limit is said with `no_limit: true`",
        id="a reading that could not be put in force",
    ),
    pytest.param(
        "{amount: 3, unit: working_days}\n              source: {article: 附件",
        "{amount: 3, unit: wroking_days}\n              source: {article: 附件",
        "'unit' is 'wroking_days', which is none of",
        id="a typo in a reading that is not in force",
    ),
    pytest.param(
        "            annex:\n"
        "              allowance: {amount: 3, unit: working_days}\n"
        "              source: {article: 附件, quote: 咨询类事项3个工作日内}\n",
        "",
        "'readings'",
        id="a single reading is no contradiction",
    ),
]


@pytest.mark.parametrize(("old", "new", "sentence"), REFUSED)
def test_readings_that_can_not_stand_are_refused_with_file_and_line(
    draft: "Draft", old: str, new: str, sentence: str
) -> None:
    first = draft.rewrite("limits.yaml", PLAIN, TWO)
    draft.rewrite("limits.yaml", old, new)
    told = [finding for finding in draft.findings() if sentence in finding.sentence]
    assert told, [str(finding) for finding in draft.findings()]
    assert told[0].file == draft.directory / "limits.yaml"
    assert told[0].line is not None
    assert first <= told[0].line <= first + TWO.count("\n")
