"""Who settles responsibility, and what follows a callback, as 双鸭山's pack says; what does not fit is refused."""

from pathlib import Path
from typing import Any

from common.policy.pack import Pack, examine
from common.policy.reading import load_pack

PACK = load_pack(Path(__file__).parents[2] / "policies" / "shuangyashan")


def test_three_forms_with_who_leads_and_who_is_invited() -> None:
    assert PACK.consultation is not None
    forms = {code: (form.led_by, form.invites, form.needs_ground) for code, form in PACK.consultation.forms.items()}
    assert forms == {
        "designation": ("authority", (), False),
        "coordination": ("authority", (), False),
        "consultation": ("judicial_administration", ("staffing", "authority"), True),
    }
    assert list(PACK.consultation.grounds_of("consultation")) == ["high_frequency_enforcement", "overlapping_functions"]
    assert list(PACK.consultation.grounds_of("coordination")) == ["unclear_responsibility", "shirked"]
    assert "clear_place" in PACK.consultation.grounds_of("designation")
    labels = [PACK.dispatching.principles[code].label for code in PACK.consultation.principles.value]
    assert labels == ["谁许可谁监管", "谁主管谁负责", "县（区）兜底"]
    assert PACK.consultation.disputants_recused.value
    assert PACK.consultation.named_unit.value == "may_not_return"


def test_what_goes_up_and_what_may_come_back() -> None:
    assert PACK.escalation is not None
    assert list(PACK.escalation.grounds) == ["cross_department", "cross_region"]
    assert PACK.escalation.after.value == ("coordination", "consultation")
    assert PACK.escalation.addressee.value == "双鸭山市人民政府"
    assert list(PACK.escalation.decisions) == ["unit_named", "answered", "sent_back"]


def test_four_judgements_and_what_an_unsatisfied_requester_is_owed() -> None:
    callbacks = PACK.callbacks
    assert list(callbacks.judgements) == ["archive", "redo", "explanation", "statement"]
    assert callbacks.leaves_unsatisfied({"responded": True, "satisfaction": "dissatisfied"})
    assert not callbacks.leaves_unsatisfied({"resolved": False, "satisfaction": "satisfied"})
    assert callbacks.statement_when is not None
    assert list(callbacks.statement_when) == ["cannot_be_satisfied", "unreasonable"]
    assert callbacks.archive_unsatisfied_after is not None
    assert callbacks.archive_unsatisfied_after.value == ("explained", "stated")
    assert callbacks.explains("reached")
    assert callbacks.explains("attempts_exhausted")


def problems(*path: str | int, **value: Any) -> list[str]:
    """What is wrong with the pack once ``value['to']`` stands at ``path``; without it the place is empty."""
    content: Any = PACK.dump()
    place = content
    for step in path[:-1]:
        place = place[step]
    if "to" in value:
        place[path[-1]] = value["to"]
    else:
        del place[path[-1]]
    return [said for _, said in examine(content)[1]]


def test_sections_that_do_not_fit_each_other_are_refused() -> None:
    consultation, escalation, callbacks = "consultation", "escalation", "callbacks"
    ruled = {"rule": "SYS-15", "assumption": "试验"}
    stated = {"value": ["x"], **ruled}
    assert problems(consultation, "principles", to=stated) == ["no principle of dispatching is called 'x'"]
    assert problems(consultation, "forms", "consultation", "led_by", to="court") == [
        "no unit of the base register plays the part 'court'"
    ]
    assert problems(consultation, "forms", "designation") == [
        f"the ground {ground!r} opens the form 'designation', which the pack does not have"
        for ground in ("unclear_responsibility", "clear_place", "shirked")
    ]
    [unknown] = problems(
        consultation, "forms", "talk", to={"label": "座谈", "led_by": "authority", "needs_ground": False} | ruled
    )
    assert "no form of consultation is called 'talk'" in unknown
    assert problems(consultation) == [
        "the pack has no form of consultation called 'coordination'",
        "the pack has no form of consultation called 'consultation'",
    ]
    assert problems(escalation) == []
    together = "the judgement {!r} and what it rests on stand together or not at all"
    assert problems(callbacks, "judgements", "explanation") == [together.format("explanation")]
    assert problems(callbacks, "judgements", "statement") == [together.format("statement")]
    assert problems(callbacks, "statement_when") == [together.format("statement")]
    assert problems(callbacks, "explained_by") == [together.format("explanation")]
    assert problems(callbacks, "unsatisfied") == [
        together.format("explanation"),
        "something is owed an unsatisfied requester, but nothing says who is one",
    ]
    assert problems(callbacks, "unsatisfied", "answers", to={"satisfaction": ["angry"], "mood": ["bad"]}) == [
        "no question 'satisfaction' has the answer 'angry'",
        "no question 'mood' has the answer 'bad'",
    ]


def test_a_pack_without_these_sections_is_a_pack() -> None:
    content = PACK.dump()
    for section in ("consultation", "escalation"):
        del content[section]
    pack, wrong = examine(content)
    assert isinstance(pack, Pack)
    assert wrong == []
