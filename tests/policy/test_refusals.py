"""A pack with a mistake is refused as a whole, with the file, the line and a sentence for whoever wrote it."""

import shutil
from pathlib import Path

import pytest
from tests.policy.conftest import POLICIES, Draft

from common.policy import load_pack
from common.policy.reading import EXAMPLES

INQUIRY_LIMIT = "{amount: 2, unit: working_days}"
INQUIRY_SOURCE = "          source: {article: 第十六条（一）, quote: 咨询类事项2个工作日内}\n"

MISTAKES = [
    pytest.param(
        "limits.yaml",
        "  law_overrides:",
        "  law_overides:",
        0,
        "unknown key 'law_overides'; did you mean 'law_overrides'?",
        id="a misspelt key is named, with the nearest known one",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: 2, unit: working_days, rounding: up}",
        0,
        "unknown key 'rounding'",
        id="a key that nothing executes is refused",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_SOURCE,
        "",
        -3,
        "neither a source nor an assumption is given",
        id="a limit without clause or assumption is refused",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: 0, unit: working_days}",
        0,
        "'amount' must be greater than 0, not 0; no limit is said with `no_limit: true`",
        id="a limit of zero is refused",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: -1, unit: working_days}",
        0,
        "'amount' must be greater than 0, not -1; no limit is said with `no_limit: true`",
        id="minus one does not mean no limit",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: true, unit: working_days}",
        0,
        "'amount': Input should be a valid integer",
        id="yes is not one",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: 2, unit: business_days}",
        0,
        "'unit' is 'business_days', which is none of",
        id="a unit of time that nobody counts is refused",
    ),
    pytest.param(
        "limits.yaml",
        INQUIRY_LIMIT,
        "{amount: 2}",
        0,
        "'unit' is missing",
        id="a limit without a unit of time is refused",
    ),
    pytest.param(
        "limits.yaml",
        f"          allowance: {INQUIRY_LIMIT}\n",
        "",
        -1,
        "a limit needs either an allowance or `no_limit: true`",
        id="a limit that says neither how long nor that there is none is refused",
    ),
    pytest.param(
        "limits.yaml",
        "    return_window:\n",
        "    retun_window:\n",
        None,
        "unknown kind of limit 'retun_window'",
        id="a kind of limit that no service watches is refused",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {eq: inquiry}}",
        "{type: {eq: enquiry}}",
        0,
        "the condition names the type 'enquiry', which the ticket section does not define",
        id="a condition on a type that does not exist is refused",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {eq: inquiry}}",
        "{typ: {eq: inquiry}}",
        0,
        "unknown key 'typ'; did you mean 'type'?",
        id="a condition on something no situation has is refused",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {eq: inquiry}}",
        "{type: {matches: in.*}}",
        0,
        "unknown key 'matches'",
        id="a matcher outside the closed set is refused",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {eq: inquiry}}",
        "{}",
        0,
        "a condition names nothing",
        id="an empty condition is refused",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {in: [complaint, tip_off]}}",
        "{type: {in: [complaint]}}",
        None,
        "closing says nothing for the type 'tip_off' from 2024-06-13 on",
        id="a type that was forgotten is a gap, not a ticket without limit",
    ),
    pytest.param(
        "limits.yaml",
        "{type: {eq: inquiry}}",
        "{type: {prefix: '', eq: inquiry}}",
        0,
        "'prefix': String should have at least 1",
        id="a prefix of nothing is refused",
    ),
    pytest.param(
        "limits.yaml",
        "document: civil_code",
        "document: civil_cod",
        0,
        "the source names the document 'civil_cod', which the pack's documents do not list",
        id="a source in a document that the pack does not list is refused",
    ),
    pytest.param(
        "limits.yaml",
        "document: civil_code",
        "document: [civil_code]",
        0,
        "the source names the document ['civil_code']",
        id="a list is no document",
    ),
    pytest.param(
        "ticket.yaml",
        "SYS{date:%Y%m%d}{seq:06d}",
        "SYS{date.__class__}{seq:06d}",
        0,
        "'format': String should match pattern",
        id="a ticket number is letters, day and running number only",
    ),
    pytest.param(
        "ticket.yaml",
        "{label: 举报, ",
        "{labell: 举报, ",
        0,
        "unknown key 'labell'; did you mean 'label'?",
        id="a misspelt label is refused",
    ),
    pytest.param(
        "pack.yaml",
        "  from: 2024-06-13\n",
        "  from: 2024-06-13\n  to: 2024-06-12\n",
        -1,
        "the period ends on 2024-06-12, before it begins",
        id="a pack that ends before it begins is refused",
    ),
    pytest.param(
        "pack.yaml",
        "  from: 2024-06-13\n",
        "  from: 2024-06-31\n",
        0,
        "can not be read",
        id="the thirty-first of June is refused",
    ),
    pytest.param(
        "pack.yaml",
        "main_document: measures",
        "main_document: measure",
        None,
        "names the document 'measure'",
        id="a pack that rests on a document it does not list is refused",
    ),
    pytest.param(
        "pack.yaml",
        "jurisdiction: shuangyashan",
        "jurisdiction: hegang",
        0,
        "the pack of 'hegang' lies in the directory 'shuangyashan'",
        id="a pack in another city's directory is refused",
    ),
    pytest.param(
        "returns.yaml",
        "mechanism: designated\n",
        "mechanism: dice\n",
        0,
        "'mechanism' is 'dice', which is none of",
        id="a mechanism that no code executes is refused",
    ),
    pytest.param(
        "returns.yaml",
        "      mechanism: designated\n",
        "",
        None,
        "a ground decided by rule names its mechanism",
        id="a ground decided by rule without a mechanism is refused",
    ),
    pytest.param(
        "callbacks.yaml",
        'archive_when:\n    answers: {responded: ["yes"]',
        "archive_when:\n    answers: {responded: [maybe]",
        None,
        "the scale of 'responded' has no step 'maybe'",
        id="an answer that the scale does not offer is refused",
    ),
    pytest.param(
        "callbacks.yaml",
        'scale: {"yes": 已响应',
        "scale: {yes: 已响应",
        0,
        "the key 'yes' is not read as text: quote it",
        id="yes without quotation marks is not text in YAML",
    ),
    pytest.param(
        "units.yaml",
        "parent: shuangyashan.yingshang",
        "parent: shuangyashan.yinshang",
        0,
        "the parent 'shuangyashan.yinshang' is not in the register",
        id="a unit under one that does not exist is refused",
    ),
    pytest.param(
        "units.yaml",
        "parent: shuangyashan.yingshang",
        "parent: shuangyashan.hotline_centre",
        0,
        "stands under itself",
        id="a unit under itself is refused",
    ),
    pytest.param(
        "returns.yaml",
        "returns:\n",
        "returns: [\n",
        None,
        "this is not YAML",
        id="what is not YAML is refused",
    ),
    pytest.param(
        "returns.yaml",
        "  denied:\n    value: first_clock",
        "  denied:\n    value: !!python/name:os.system first_clock",
        1,
        "has no place in a pack",
        id="a tag that would run code is refused",
    ),
    pytest.param(
        "dispatching.yaml",
        "  roles:\n",
        "  others: &all [*all]\n  roles:\n",
        0,
        "*all refers back: write it out",
        id="a value that refers to another place is refused",
    ),
    pytest.param(
        "returns.yaml",
        "  before_sign_in:\n",
        "  late:\n",
        0,
        "the key 'late' stands here twice",
        id="a value written twice is refused",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "lines_on", "sentence"), MISTAKES)
def test_a_mistake_is_named_with_file_and_line(
    draft: Draft, file: str, old: str, new: str, lines_on: int | None, sentence: str
) -> None:
    """``lines_on``: how far below the changed words the finding points; None: only that it names a line of a file."""
    line = draft.rewrite(file, old, new)
    said = [finding for finding in draft.findings() if sentence in finding.sentence]
    assert said, f"nobody said {sentence!r}: {[str(finding) for finding in draft.findings()]}"
    assert said[0].file is not None
    assert said[0].line is not None
    if lines_on is not None:
        assert said[0].file.name == file
        assert said[0].line == line + lines_on


def test_all_mistakes_are_told_at_once(draft: Draft) -> None:
    draft.rewrite("limits.yaml", INQUIRY_LIMIT, "{amount: 0, unit: working_days}")
    draft.rewrite("returns.yaml", "  late:\n", "  lat:\n")
    told = {
        (finding.file.name if finding.file else None, finding.sentence.split(";")[0]) for finding in draft.findings()
    }
    assert told >= {
        ("limits.yaml", "'amount' must be greater than 0, not 0"),
        ("returns.yaml", "unknown key 'lat'"),
    }


def test_a_section_may_stand_in_one_file_only(draft: Draft) -> None:
    draft.add("zz.yaml", "# a second opinion\nclosing: {check: true, rule: SYS-16, assumption: 试行审核}\n")
    (finding,) = draft.findings()
    assert (finding.file, finding.line) == (draft.directory / "zz.yaml", 2)
    assert finding.sentence == "'closing' already stands in callbacks.yaml"


def test_a_directory_without_a_pack_is_refused(draft: Draft) -> None:
    for part in draft.directory.glob("*.yaml"):
        part.unlink()
    (finding,) = draft.findings()
    assert (finding.file, finding.sentence) == (draft.directory, "no part of a pack lies here")


def test_a_unit_stands_once_in_the_register(draft: Draft) -> None:
    draft.rewrite("units.yaml", "code: shuangyashan.hotline_centre", "code: shuangyashan.yingshang")
    assert any("stands twice in the register" in finding.sentence for finding in draft.findings())


def test_a_window_lapses_without_a_lamp_and_a_duty_needs_one(draft: Draft) -> None:
    lamp = "      warn_before: {amount: 4, unit: clock_hours, rule: SYS-18, assumption: 试行}\n"
    draft.rewrite("limits.yaml", "    return_window:\n", f"    return_window:\n{lamp}")
    assert any(
        "return_window is a window and lapses without a lamp" in finding.sentence for finding in draft.findings()
    )


def test_a_long_passage_is_no_quote(draft: Draft) -> None:
    draft.rewrite("limits.yaml", "quote: 咨询类事项2个工作日内", "quote: " + "咨询类事项2个工作日内" * 6)
    assert any("give the few decisive words" in finding.sentence for finding in draft.findings())


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Copies of the examples, whose limits have laws' own limits and stopped clocks."""
    shutil.copytree(POLICIES / "_national", tmp_path / "_national")
    shutil.copytree(POLICIES / EXAMPLES, tmp_path / EXAMPLES)
    return tmp_path / EXAMPLES


MEDIATION = "      effective: {from: 2022-05-01}\n"
SEVEN_DAYS = "{amount: 7, unit: working_days}"
ANOTHER_ROW = """
          - {when: {type: {eq: complaint}}, allowance: {amount: 9, unit: working_days}, rule: EX-7, assumption: 重复}"""
FORTY_FIVE = "quote: 自投诉受理之日起四十五个工作日内}\n  kinds:"

MISTAKES_OF_EXAMPLES = [
    pytest.param(
        "overlaid",
        SEVEN_DAYS,
        "{amount: 0, unit: working_days}",
        "'amount' must be greater than 0, not 0; no limit is said with `no_limit: true`",
        id="a law's limit of zero",
    ),
    pytest.param(
        "overlaid",
        SEVEN_DAYS,
        "{amount: -1, unit: working_days}",
        "'amount' must be greater than 0, not -1",
        id="a law's limit of minus one",
    ),
    pytest.param("overlaid", "      priority: 10\n", "      prioritty: 10\n", "unknown key 'prioritty'", id="a typo"),
    pytest.param("overlaid", "      priority: 10\n", "", "'priority' is missing", id="a law without a priority"),
    pytest.param(
        "overlaid",
        "      when: {category: {prefix: 消费维权}}\n",
        "",
        "'when' is missing",
        id="a law for no matter in particular",
    ),
    pytest.param(
        "overlaid",
        "      priority: 10\n",
        "      priority: 20\n",
        "'consumers' and 'mediation' hold together for closing, and neither goes before the other",
        id="two laws for one ticket, of which neither goes before the other",
    ),
    pytest.param(
        "overlaid",
        MEDIATION,
        "      effective: {from: 2021-05-01}\n",
        "the overlay is dated outside the time for which the pack is in force",
        id="a law dated before the pack",
    ),
    pytest.param(
        "overlaid",
        FORTY_FIVE,
        FORTY_FIVE.replace("\n", ANOTHER_ROW + "\n", 1),
        "two rows of closing for the same situation have overlapping dates",
        id="two rows of a law with overlapping dates",
    ),
    pytest.param(
        "overlaid",
        FORTY_FIVE,
        FORTY_FIVE.replace("\n", ANOTHER_ROW.replace("eq: complaint", "in: [complaint]") + "\n", 1),
        "row 2 of closing never decides anything",
        id="a row of a law that an earlier one always beats",
    ),
    pytest.param(
        "overlaid",
        "          - when: {type: {eq: complaint}}\n",
        "          - when: {category: {eq: 市容环卫}}\n",
        "row 1 of closing never decides anything: earlier rows win, or the overlay's `when`",
        id="a row for a matter that is none of the law's",
    ),
    pytest.param(
        "overlaid",
        "          - when: {type: {eq: complaint}}\n",
        "          - effective: {from: 2022-04-30}\n            when: {type: {eq: complaint}}\n",
        "the row is dated outside the time for which 'mediation' holds",
        id="a row dated before its law",
    ),
    pytest.param(
        "overlaid",
        "          - when: {type: {eq: complaint}}\n",
        "          - when: {type: {eq: complain}}\n",
        "the condition names the type 'complain', which the ticket section does not define",
        id="a row for a type that does not exist",
    ),
    pytest.param(
        "overlaid",
        "        closing:\n          - when",
        "        sign_in:\n          - when",
        "the overlay 'mediation' has 'sign_in', which is no kind of the pack",
        id="a law on a kind that the pack does not have",
    ),
    pytest.param(
        "overlaid",
        "  law_overrides:\n    kinds: [closing]",
        "  law_overrides:\n    kinds: []",
        "law_overrides does not name 'closing'",
        id="a law on a kind for which nothing says that laws go first",
    ),
    pytest.param(
        "stopped",
        "      agreed_by: notice\n",
        "      agreed_by: nobody\n",
        "'agreed_by' is 'nobody', which is none of",
        id="a stop that nobody known agrees to",
    ),
    pytest.param(
        "stopped",
        "      kinds: [closing]\n      agreed_by: notice\n",
        "      kinds: []\n      agreed_by: notice\n",
        "'kinds': Tuple should have at least 1 item",
        id="a stop of no clock",
    ),
    pytest.param(
        "stopped",
        "      kinds: [closing]\n      agreed_by: notice\n",
        "      kinds: [sign_in]\n      agreed_by: notice\n",
        "the ground 'material' stops 'sign_in', which is no kind of the pack",
        id="a stop of a clock that the pack does not have",
    ),
    pytest.param(
        "capped",
        "    value: latest_extension\n",
        "    value: extension_windw\n",
        "'value' is 'extension_windw', which is none of",
        id="a cap by a window that does not exist",
    ),
]


@pytest.mark.parametrize(("example", "old", "new", "sentence"), MISTAKES_OF_EXAMPLES)
def test_a_mistake_in_a_laws_limits_or_in_what_stops_clocks_is_named_with_file_and_line(
    examples: Path, example: str, old: str, new: str, sentence: str
) -> None:
    draft = Draft(examples / example)
    draft.rewrite("limits.yaml", old, new)
    said = [finding for finding in draft.findings() if sentence in finding.sentence]
    assert said, f"nobody said {sentence!r}: {[str(finding) for finding in draft.findings()]}"
    assert said[0].file == draft.directory / "limits.yaml"
    assert said[0].line is not None


def test_a_type_that_a_law_has_and_the_table_forgot_is_a_gap_all_the_same(examples: Path) -> None:
    """A law holds for some matters only; the table is asked for all others."""
    draft = Draft(examples / "overlaid")
    draft.rewrite(
        "limits.yaml",
        "        - allowance: {amount: 5, unit: working_days}\n",
        "        - when: {type: {in: [help, inquiry, suggestion, praise, tip_off]}}\n"
        "          allowance: {amount: 5, unit: working_days}\n",
    )
    assert [finding.sentence.split(";")[0] for finding in draft.findings()] == [
        "closing says nothing for the type 'complaint' from 2021-12-15 on"
    ]


def test_two_laws_of_one_priority_for_different_matters_stand_side_by_side(examples: Path) -> None:
    draft = Draft(examples / "overlaid")
    draft.rewrite("limits.yaml", "      priority: 10\n", "      priority: 20\n")
    draft.rewrite("limits.yaml", "{category: {prefix: 消费维权}}", "{category: {eq: 消费维权/退换货}}")
    load_pack(draft.directory)
