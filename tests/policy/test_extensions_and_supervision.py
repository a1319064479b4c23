"""What the pack of 双鸭山 says of extensions and supervision, and drafts that contradict themselves."""

import pytest
from tests.policy.conftest import Draft

from common.policy import Pack
from common.policy.extensions import Asked, Extensions
from common.policy.supervision import Supervision

REASON = frozenset({"reason"})


@pytest.fixture
def extensions(pack: Pack) -> Extensions:
    assert pack.extensions is not None
    return pack.extensions


@pytest.fixture
def supervision(pack: Pack) -> Supervision:
    assert pack.supervision is not None
    return pack.supervision


@pytest.mark.parametrize(
    ("asked", "ground", "quote"),
    [
        (Asked(REASON, False, 1), None, None),
        (Asked(REASON, False, 2), None, None),
        (Asked(REASON, None, 1), None, None),
        (Asked(frozenset(), False, 1), "missing_reason", "提出延期申请并说明理由"),
        (Asked(REASON, True, 1), "late", "应当在办理时限届满前提出延期申请"),
        (Asked(REASON, False, 3), "too_many", "延期申请最多可提出两次"),
        (Asked(frozenset(), True, 3), "missing_reason", "提出延期申请并说明理由"),
    ],
)
def test_what_a_rule_denies_at_once(
    extensions: Extensions, asked: Asked, ground: str | None, quote: str | None
) -> None:
    """第二十条: 届满前、说明理由、最多两次；其余由审核人员决定."""
    found = extensions.denied_by_rule(asked)
    assert (found and found.code, found and found.basis.quote) == (ground, quote)


@pytest.mark.parametrize(
    ("type_", "longer", "quotes"),
    [
        ("complaint", False, []),
        ("complaint", True, ["延期时限一般不超过办理工作规定时限"]),
        ("inquiry", False, ["咨询类工单原则上不予延期"]),
        ("inquiry", True, ["咨询类工单原则上不予延期", "延期时限一般不超过办理工作规定时限"]),
    ],
)
def test_who_departs_from_in_principle_or_in_general_argues_it(
    extensions: Extensions, type_: str, longer: bool, quotes: list[str]
) -> None:
    assert [basis.quote for basis in extensions.departures(type_, longer=longer)] == quotes


def test_three_forms_of_supervision_of_which_one_is_owed_a_reply(supervision: Supervision) -> None:
    assert [(code, form.label, form.reply_due, form.needs_ground) for code, form in supervision.forms.items()] == [
        ("phone", "电话督办", False, False),
        ("consultation", "会商督办", False, True),
        ("special", "专项督办", True, True),
    ]
    assert list(supervision.grounds_of("special")) == ["perfunctory", "no_effective_measures", "dissatisfied"]
    assert list(supervision.grounds_of("consultation")) == ["hard_to_determine", "mutual_shirking"]
    assert set(supervision.near_limits) == {"sign_in", "closing"}, "临近受理、办理环节时限"
    assert supervision.near_limits["sign_in"].told("N1", "9月29日24时") == (
        "电话督办：工单N1临近受理时限（9月29日24时前签收），请及时受理。"
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("extensions.yaml", "value: [inquiry]", "value: [consultation]", "no type of ticket is called 'consultation'"),
        ("extensions.yaml", "mechanism: too_many", "mechanism: late", "two grounds of denial rest on the mechanism"),
        ("extensions.yaml", "mechanism: missing_field", "mechanism: other", "which is none of"),
        ("extensions.yaml", "value: 2\n", "value: 0\n", "'value'"),
        ("supervision.yaml", "    sign_in:\n      text", "    signing:\n      text", "the limits warn of no 'signing'"),
        ("supervision.yaml", "请及时受理", "请{unit}及时受理", "the text may name {number} and {due}"),
        ("supervision.yaml", "    phone:\n", "    letter:\n", "no form of supervision is called 'letter'"),
        ("supervision.yaml", "perfunctory:\n      label: 敷衍答复\n      forms: [special]",
         "perfunctory:\n      label: 敷衍答复\n      forms: [letter]", "which is none of"),
    ],
)  # fmt: skip
def test_a_draft_that_contradicts_itself_is_told_what_to_mend(
    draft: Draft, file: str, old: str, new: str, said: str
) -> None:
    draft.rewrite(file, old, new)
    assert any(said in str(finding) for finding in draft.findings()), [str(one) for one in draft.findings()]


def test_late_extensions_are_denied_exactly_where_the_limits_say_until_when_one_may_ask(draft: Draft) -> None:
    draft.rewrite("extensions.yaml", "      decided_by: rule\n      mechanism: late\n", "      decided_by: person\n")
    assert any("extension_window" in str(finding) for finding in draft.findings())
