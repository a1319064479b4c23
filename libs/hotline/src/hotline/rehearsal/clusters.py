"""Concentrated demands (集中诉求): how many, within how long (双鸭山 第八条（五）)."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.stage import Expectation, Stage, articles, compare, listed
from intake.clusters.rules import Demand, gathered


class DemandTold(Part):
    """A demand of the category; ``times``: so many at once."""

    type: Code
    received_at: AwareDatetime
    times: Annotated[int, Field(ge=1)] = 1


class ClusterGathered(Expectation):
    """One unit's demands of one category, and what they come to at an instant: a cluster of ``tickets``, or none."""

    demands: Annotated[tuple[DemandTold, ...], BeforeValidator(listed)]
    at: AwareDatetime
    tickets: int | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    articles: tuple[Words, ...] = ()

    def differences(self, stage: Stage) -> Iterator[str]:
        section = stage.pack.clusters
        found = gathered(section, self._demands(), self.at) if section else None
        yield from compare("tickets of the cluster", self.tickets, len(found.demands) if found else None)
        yield from compare("the cluster begins", self.starts_at, found.starts_at if found else None)
        yield from compare("the cluster's window ends", self.ends_at, found.ends_at if found else None)
        yield from compare("articles of the cluster", self.articles, articles(found.basis) if found else ())

    def _demands(self) -> Iterator[Demand]:
        told = (one for one in self.demands for _ in range(one.times))
        for place, one in enumerate(told, start=1):
            yield Demand(UUID(int=place), one.type, one.received_at)
