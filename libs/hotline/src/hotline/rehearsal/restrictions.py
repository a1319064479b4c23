"""Restrictions (限制使用): whose telephone use may be limited, and for how long (双鸭山 第三十五条)."""

from collections.abc import Iterator

from pydantic import AwareDatetime

from common.policy.ruled import Code, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from intake.restrictions.rules import Restriction, RestrictionRefused, check


class RestrictionWanted(Expectation):
    """A restriction as an officer enters it, and the clauses it rests on, or why it is not imposed."""

    ground: Code
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    police: bool = False
    articles: tuple[Words, ...] = ()
    refused: Words | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        wanted = Restriction(self.ground, self.starts_at, self.ends_at, referred_to_police=self.police)
        try:
            bases = check(wanted, stage.pack, self.starts_at)
        except RestrictionRefused as refused:
            yield from compare("the restriction", self.refused, refused.message)
            yield from compare("articles of the refusal", self.articles, articles(refused.basis))
            return
        yield from compare("the restriction", self.refused, None)
        yield from compare("articles of the restriction", self.articles, articles(bases))
