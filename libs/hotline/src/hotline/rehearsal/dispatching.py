"""Dispatching (派单), legal explanations (普法), cessation (停止办理): to whom by which principle, what must be told,
when a unit may stop (第十四条、二十一条、二十三条)."""

from collections.abc import Iterator

from common.policy import Pack
from common.policy.dispatching import Told
from common.policy.ruled import Code, Words
from dispatch.assignment.rules import AssignmentRefused, check_principle, check_territory, require_territory
from dispatch.cessation.rules import CessationRefused, check_cessation
from dispatch.contacts.rules import ExplanationRefused, check_legal_explanation
from hotline.rehearsal.stage import Expectation, Stage, articles, compare


class AssignedBy(Expectation):
    """A unit of a kind, below units of other kinds in the register, that is sent a ticket by a principle; ``unit``: one
    that the pack names. Without a principle the unit claims the ticket. ``territory``: the kind of
    the unit that was named as the territorial government of a ticket with ``marks``."""

    principle: Code | None = None
    kind: Code | None = None
    unit: Words | None = None
    below: tuple[Code, ...] = ()
    marks: tuple[Code, ...] = ()
    territory: Code | None = None
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        code, kind = self.principle or _claimed_by(stage), self.kind or _kind_of(self.unit, stage)
        what = f"{self.principle or 'a claim'} to {self.unit or f'a {self.kind}'}"
        principle = stage.pack.dispatching.principles.get(code or "")
        if principle is None or kind is None:
            yield f"{what}: the pack knows no such principle, or no such unit"
            return
        try:
            check_principle(principle, stage.pack.unit_kinds, kind, self.below)
            self._check_territory(stage.pack, kind)
        except AssignmentRefused as refused:
            yield from compare(what, self.refused, refused.message)
            yield from compare(f"articles: {what}", self.articles, articles(refused.basis))
            return
        yield from compare(what, self.refused, None)
        yield from compare(f"articles: {what}", self.articles, articles((principle.basis,)))

    def _check_territory(self, pack: Pack, kind: str) -> None:
        if self.territory is not None:
            check_territory(pack.notices, pack.unit_kinds, self.territory)
        else:
            require_territory(pack.notices, pack.unit_kinds, self.marks, (kind, *self.below))


def _claimed_by(stage: Stage) -> str | None:
    claims = stage.pack.dispatching.claims
    return claims.principle if claims else None


def _kind_of(name: str | None, stage: Stage) -> str | None:
    return next((unit.kind for unit in stage.pack.units if unit.name == name), None)


class LawExplained(Expectation):
    """A unit that explains the law to the requester of an unlawful demand; ``told``: of what it spoke."""

    told: tuple[Told, ...] = ()
    reached: bool = True
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        section = stage.pack.dispatching.legal_explanation
        if section is None:
            yield "the pack knows no legal explanation"
            return
        try:
            basis = check_legal_explanation(section, dict.fromkeys(self.told, "某规定"), reached=self.reached)
        except ExplanationRefused as refused:
            yield from compare("explaining the law", self.refused, refused.message)
            yield from compare("articles of the refusal", self.articles, articles(refused.basis))
            return
        yield from compare("explaining the law", self.refused, None)
        yield from compare("articles of the explanation", self.articles, articles(basis))


class Stopped(Expectation):
    """A unit that stops handling on a ground; ``explained``: it told the requester; ``contact``: who can be reached."""

    ground: Code
    explained: bool = True
    contact: bool = True
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        section = stage.pack.cessation
        if section is None:
            yield "the pack knows no cessation"
            return
        try:
            ground = check_cessation(section, self.ground, explained=self.explained, has_contact=self.contact)
        except CessationRefused as refused:
            yield from compare(f"stopping on {self.ground}", self.refused, refused.message)
            yield from compare("articles of the refusal", self.articles, articles(refused.basis))
            return
        yield from compare(f"stopping on {self.ground}", self.refused, None)
        yield from compare("articles of the ground", self.articles, articles((ground.basis,)))
