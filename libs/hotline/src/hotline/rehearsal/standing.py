"""Clocks that stand still (中止计时): on which ground, who must agree, and when they end once they run again."""

from collections.abc import Iterator, Mapping

from pydantic import AwareDatetime

from common.policy.limits import Kind
from common.policy.ruled import Code, Words
from hotline.rehearsal.clocks import stopped
from hotline.rehearsal.stage import Expectation, Stage, articles, compare


class ClockStopped(Expectation):
    """A stop as it is recorded. ``by_unit``: the unit's notice is enough. ``due``: what stood still, with its first
    late instant after the resumption; none, as long as there is no resumption. ``article``: what the stop rests on."""

    ground: Code
    by_unit: bool
    stopped_at: AwareDatetime
    resumed_at: AwareDatetime | None = None
    due: Mapping[Kind, AwareDatetime | None] = {}
    article: Words | None = None
    derivation: Words

    def differences(self, stage: Stage) -> Iterator[str]:
        ground = (stage.pack.limits.clock_stops or {}).get(self.ground)
        if ground is None:
            yield f"the pack stops no clock on the ground {self.ground!r}"
            return
        yield from compare(f"{self.ground}: the unit's notice is enough", self.by_unit, ground.by_unit)
        rows = {row.kind: row for row in stopped(stage, self.ground, self.stopped_at, self.resumed_at)}
        yield from compare(f"{self.ground}: what stands still", tuple(sorted(self.due)), tuple(sorted(rows)))
        for kind, row in rows.items():
            due = None if row.counting.paused else row.due_at
            yield from compare(f"{kind} due after {self.ground}", self.due.get(kind), due)
        if rows and self.article is not None:
            cited = articles(basis for row in rows.values() for basis in row.basis if basis == ground.basis)
            yield from compare(f"article of {self.ground}", (self.article,), cited)
