"""Consultation (协调、会商) and escalation (专报): who takes part, what is concluded (第十五条、第三十二条)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator

from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from review.consultation.rules import Conclusion, conclusion_basis, convening, recusal
from review.escalation.rules import Decision, decision_basis, escalation_basis
from review.refusals import FieldRefused, Refused


class Concluded(Part):
    """What a consultation came to: a unit of a kind by a principle, or nothing, and the clauses, or what is wrong."""

    outcome: Literal["unit_named", "unresolved"] = "unit_named"
    principle: Code | None = None
    kind: Code = "municipal_department"
    articles: tuple[Words, ...] = ()
    refused: Words | None = None


class ConsultationConvened(Expectation):
    """A consultation as the authority convenes it. Units are told by name; those of the pack's own register play their
    parts. ``led_by`` none: the authority itself. ``recused``: by unit, whether its people may not conclude."""

    form: Literal["designation", "coordination", "consultation"]
    ground: Code | None = None
    named: tuple[Words, ...] = ()
    holders: tuple[Words, ...] = ()
    led_by: Words | None = None
    invited: tuple[Words, ...] = ()
    articles: tuple[Words, ...] = ()
    refused: Words | None = None
    recused: Mapping[Words, bool] = {}
    concluded: Annotated[tuple[Concluded, ...], BeforeValidator(listed)] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        section, players = stage.pack.consultation, _players(stage)
        if section is None:
            yield "the pack knows no consultation"
            return
        try:
            found = convening(section, self.form, self.ground, self.named, self.holders, players)
        except (Refused, FieldRefused) as refused:
            yield from compare(f"{self.form} is convened", self.refused, refused.detail)
            return
        yield from compare(f"{self.form} is convened", self.refused, None)
        yield from compare("led by", self.led_by, found.convener)
        yield from compare("invited by rule", self.invited, found.by_rule)
        yield from compare("articles of the convening", self.articles, articles(found.basis))
        for unit, expected in self.recused.items():
            bases = recusal(section, found.disputants, unit)
            yield from compare(f"the people of {unit} may not conclude", expected, bases is not None)
        for one in self.concluded:
            yield from self._concluded(one, stage)

    def _concluded(self, one: Concluded, stage: Stage) -> Iterator[str]:
        assert stage.pack.consultation is not None
        unit = "某单位" if one.outcome == "unit_named" else None
        conclusion = Conclusion(one.outcome, unit=unit, principle=one.principle)
        principles, what = stage.pack.dispatching.principles, f"{one.outcome} by {one.principle}"
        try:
            bases = conclusion_basis(stage.pack.consultation, principles, self.form, conclusion, one.kind)
        except FieldRefused as refused:
            yield from compare(what, one.refused, refused.detail)
            return
        yield from compare(what, one.refused, None)
        yield from compare(f"articles: {what}", one.articles, articles(bases))


def _players(stage: Stage) -> dict[str, tuple[str, ...]]:
    """The units of the pack's register, by the part they play."""
    playing: dict[str, tuple[str, ...]] = {}
    for unit in stage.pack.units:
        if unit.function is not None:
            playing[unit.function] = (*playing.get(unit.function, ()), unit.name)
    return playing


class CameBack(Part):
    """What the government decided, and the clauses, or what is missing."""

    outcome: Literal["unit_named", "answered", "sent_back"]
    reply_line: Words | None = None
    articles: tuple[Words, ...] = ()
    refused: Words | None = None


class Escalated(Expectation):
    """A special report after a form that stayed unresolved, and what may come back of it."""

    ground: Code
    after: Literal["designation", "coordination", "consultation"] | None = None
    addressee: Words | None = None
    articles: tuple[Words, ...] = ()
    refused: Words | None = None
    decided: Annotated[tuple[CameBack, ...], BeforeValidator(listed)] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        section = stage.pack.escalation
        if section is None:
            yield "the pack knows no escalation"
            return
        try:
            bases = escalation_basis(section, "signed_in", self.ground, unresolved_form=self.after, unsettled=None)
        except (Refused, FieldRefused) as refused:
            yield from compare("the special report", self.refused, refused.detail)
            yield from compare("articles of the refusal", self.articles, articles(refused.basis))
            return
        yield from compare("the special report", self.refused, None)
        yield from compare("articles of the report", self.articles, articles(bases))
        yield from compare("reported to", self.addressee, section.addressee.value)
        for one in self.decided:
            unit = "某单位" if one.outcome == "unit_named" else None
            decision = Decision(one.outcome, "批示", unit=unit, reply_line=one.reply_line)
            try:
                rests_on = decision_basis(section, "reported", decision)
            except FieldRefused as refused:
                yield from compare(f"decided {one.outcome}", one.refused, refused.detail)
                continue
            yield from compare(f"decided {one.outcome}", one.refused, None)
            yield from compare(f"articles: decided {one.outcome}", one.articles, articles(rests_on))
