"""Validity (施行): from which day on a pack decides."""

from collections.abc import Iterator

from pydantic import AwareDatetime

from common.policy import NoPackInForce, in_force
from hotline.rehearsal.stage import Expectation, Stage, compare


class InForce(Expectation):
    """An instant, and whether the pack is the one that decides then."""

    at: AwareDatetime
    decides: bool

    def differences(self, stage: Stage) -> Iterator[str]:
        try:
            in_force((stage.pack,), stage.pack.jurisdiction, self.at)
            decides = True
        except NoPackInForce:
            decides = False
        yield from compare(f"the pack decides at {self.at.isoformat()}", self.decides, decides)
