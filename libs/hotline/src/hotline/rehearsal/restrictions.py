"""Restrictions (限制使用): whose telephone use may be limited, and for how long (双鸭山 第三十五条)."""

from collections.abc import Iterator, Mapping

from pydantic import AwareDatetime

from common.policy.ruled import Code, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare
from intake.restrictions.rules import Restriction, RestrictionRefused, check, counts_for


class RestrictionWanted(Expectation):
    """A restriction as an officer enters it, and the clauses it rests on, or why it is not imposed.

    ``bars``: by channel, whether the number is kept out there.
    """

    ground: Code
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    police: bool = False
    articles: tuple[Words, ...] = ()
    refused: Words | None = None
    bars: Mapping[Code, bool] = {}
    bars_emergencies: bool = False

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
        for channel, expected in self.bars.items():
            barred = counts_for(stage.pack, channel, emergency=False)
            yield from compare(f"the number is kept out of {channel}", expected, barred)
            passed = counts_for(stage.pack, channel, emergency=True)
            yield from compare(f"emergencies are kept out of {channel}", self.bars_emergencies, passed)
