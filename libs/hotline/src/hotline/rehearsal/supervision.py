"""Supervision (督办): by phone when a limit comes near, by hand on a ground, with or without a reply (第三十二条)."""

from collections.abc import Iterator
from typing import Final

from pydantic import AwareDatetime

from common.policy.ruled import Code, Words
from common.policy.supervision import Form
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from review.refusals import FieldRefused
from review.supervision.rules import Near, by_hand, by_phone

_UNIT: Final = "某单位"


class SupervisionByHand(Expectation):
    """A supervision that a person issues, with what it asks of the unit and rests on, or why it can not be issued."""

    form: Form
    ground: Code | None = None
    reply_due: bool = False
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        if stage.pack.supervision is None:
            yield "the pack knows no supervision"
            return
        what = f"supervision by {self.form} on {self.ground}"
        try:
            issue = by_hand(stage.pack.supervision, self.form, self.ground)
        except FieldRefused as refused:
            yield from compare(what, self.refused, refused.detail)
            return
        yield from compare(what, self.refused, None)
        yield from compare(f"{what}: a written reply is owed", self.reply_due, issue.reply_due)
        yield from compare(f"{what}: articles", self.articles, articles(issue.basis))


class LimitComesNear(Expectation):
    """A limit that comes near, and what the unit is told by phone; nothing where no rule issues one."""

    kind: Code
    due_at: AwareDatetime
    number: Words = "SYS20250312000001"
    signed_in: bool = False
    told: Words | None = None
    articles: tuple[Words, ...] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        if stage.pack.supervision is None:
            yield "the pack knows no supervision"
            return
        status = "signed_in" if self.signed_in else "dispatched"
        found = by_phone(
            stage.pack.supervision,
            Near(self.kind, _UNIT, self.due_at, 1),
            number=self.number,
            status=status,
            lead=_UNIT,
            current_round=1,
            round=1,
            round_ended=False,
        )
        text, issue = found if found else (None, None)
        yield from compare(f"told by phone when {self.kind} comes near", self.told, text)
        yield from compare("articles of the supervision", self.articles, articles(issue.basis) if issue else ())
        yield from compare("a written reply is owed", False, issue.reply_due if issue else False)
