"""Rows of limits against each other: dates that overlap, rows that never decide."""

from typing import TYPE_CHECKING

from common.policy import Situation, load_pack

if TYPE_CHECKING:
    from tests.policy.conftest import Draft

INQUIRY_ROW = "        - when: {type: {eq: inquiry}}\n"


def dated(rule: str, amount: int, dates: str, quote: str = "咨询类事项2个工作日内") -> str:
    return (
        f"        - when: {{type: {{eq: inquiry}}}}\n          allowance: {{amount: {amount}, unit: working_days}}\n"
        f"          effective: {dates}\n          rule: {rule}\n"
        f"          source: {{article: 第十六条（一）, quote: {quote}}}\n"
    )


def test_two_rows_for_the_same_situation_may_not_overlap_in_time(draft: "Draft") -> None:
    earlier = dated("SYS-16", 3, "{from: 2024-06-13, to: 2025-01-01}")
    later = dated("SYS-16", 1, "{from: 2025-01-01}")
    line = draft.rewrite("limits.yaml", INQUIRY_ROW, earlier + later + INQUIRY_ROW.replace("inquiry", "praise"))
    findings = draft.findings()
    overlap = [finding for finding in findings if "have overlapping dates" in finding.sentence]
    assert [(finding.file, finding.line) for finding in overlap] == [(draft.directory / "limits.yaml", line + 7)]


def test_rows_dated_one_after_the_other_are_a_change_of_law(draft: "Draft") -> None:
    text = (draft.directory / "limits.yaml").read_text(encoding="utf-8")
    start = text.index(INQUIRY_ROW)
    end = text.index("        - when: {type: {in: [help")
    rows = dated("SYS-16", 3, "{from: 2024-06-13, to: 2024-12-31}") + dated("SYS-16", 2, "{from: 2025-01-01}")
    draft.add("limits.yaml", text[:start] + rows + text[end:])
    assert load_pack(draft.directory).limits.kinds()[:3] == ("sign_in", "return_window", "closing")


def test_a_row_outside_the_time_of_its_pack_is_refused(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", INQUIRY_ROW, dated("SYS-16", 3, "{from: 2023-01-01, to: 2024-12-31}") + INQUIRY_ROW)
    assert any("outside the time for which the pack is in force" in finding.sentence for finding in draft.findings())


def test_a_row_that_earlier_rows_always_beat_is_refused(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", "{type: {eq: inquiry}}", "{type: {in: [inquiry, help, suggestion, praise]}}")
    assert [finding.sentence for finding in draft.findings()] == [
        "row 2 of closing never decides anything: earlier rows win"
    ]


def test_a_row_for_a_part_of_the_channels_leaves_a_gap(draft: "Draft") -> None:
    draft.rewrite("limits.yaml", "{type: {eq: inquiry}}", "{type: {eq: inquiry}, channel: {prefix: ph}}")
    assert [finding.sentence for finding in draft.findings()] == [
        "closing says nothing for the type 'inquiry' from 2024-06-13 on; no limit is said with `no_limit: true`"
    ]


def test_a_row_for_two_marks_together_is_not_taken_for_useless(draft: "Draft") -> None:
    both = "{all: [{marks: {eq: urgent}}, {marks: {eq: overdue}}]}"
    row = INQUIRY_ROW.replace("{type: {eq: inquiry}}", both)
    rest = "          allowance: {amount: 9, unit: working_days}\n          rule: SYS-16\n          assumption: 试行\n"
    draft.rewrite("limits.yaml", INQUIRY_ROW, row + rest + INQUIRY_ROW)
    limits = load_pack(draft.directory).limits
    situation = Situation(type="help", marks=frozenset({"urgent", "overdue"}))
    rule = limits.deciding("closing", situation)
    assert rule is not None
    assert rule.assumption == "试行"


FOLLOWING = "    extension_window:\n      follows:\n        value: closing\n"
RULING = "    ruling:\n      anchor:\n        value: returned\n"


def test_a_kind_has_rows_and_an_anchor_or_follows_one_that_has(draft: "Draft") -> None:
    path = draft.directory / "limits.yaml"
    written = path.read_text(encoding="utf-8")
    owners = "      owed_by: {value: [co_handler], rule: SYS-14, assumption: 试行}\n"
    for old, new, sentence in (
        (FOLLOWING, FOLLOWING.replace("closing", "promised"), "extension_window follows promised, which has no rows"),
        (FOLLOWING, FOLLOWING.replace("closing", "co_handler_part"), "which has no rows to follow"),
        (FOLLOWING, FOLLOWING.replace("follows", "anchor").replace("closing", "dispatched"), "a kind needs a row"),
        (
            RULING,
            RULING.replace("anchor", "follows").replace("returned", "closing"),
            "no anchor and no rows of its own",
        ),
        (RULING, RULING.replace("returned", "refused"), "'refused', which is none of 'registered', 'dispatched'"),
        (RULING, f"    ruling:\n{owners}" + RULING.partition("\n")[2], "nobody is told by owed_by to owe it"),
    ):
        draft.rewrite("limits.yaml", old, new)
        assert any(sentence in finding.sentence for finding in draft.findings()), sentence
        path.write_text(written, encoding="utf-8")
