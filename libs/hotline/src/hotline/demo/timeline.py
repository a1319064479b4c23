"""Several stories on one line of time, each moved by whole weeks, so that weekdays and hours stay as they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.clock import local_date

from .stories import Step, Story


@dataclass(frozen=True, slots=True)
class Moved:
    """A story and by how many weeks it was moved."""

    story: Story
    weeks: int

    def at(self, moment: datetime) -> datetime:
        return moment + timedelta(weeks=self.weeks)


@dataclass(frozen=True, slots=True)
class Scene:
    """One step at its new moment. ``case`` and ``number`` are the story's and the step's places, from 0."""

    at: datetime
    case: int
    number: int
    step: Step


def move(story: Story, in_force_from: date, later: int = 0) -> Moved:
    """Moved by the fewest weeks that bring its first day under the rules, and ``later`` weeks more."""
    days = (in_force_from - local_date(story.steps[0].at)).days
    return Moved(story, max(0, -(-days // 7)) + later)


def merge(cases: Sequence[Moved]) -> list[Scene]:
    """The steps of all stories in the order of their moments."""
    scenes = [
        Scene(moved.at(step.at), case, number, step)
        for case, moved in enumerate(cases)
        for number, step in enumerate(moved.story.steps)
    ]
    return sorted(scenes, key=lambda scene: (scene.at, scene.case, scene.number))
