"""When demands of one kind are concentrated, so that the unit in charge owes more than the handling of each."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import Field, StrictInt

from common.clock import SHANGHAI, local_date
from common.policy.refusals import Problem
from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated


class Reached(Ruled):
    """How many tickets of one category, led by one unit, are concentrated."""

    count: Annotated[StrictInt, Field(ge=2, le=100_000)]


class Window(Ruled):
    """Within how many natural days they came; the day of the first one is the first of them."""

    days: Annotated[StrictInt, Field(ge=1, le=366)]


class PushReason(Entry):
    """Why concentrated demands are pushed to a unit (推送原因)."""


class PushLevel(Entry):
    """To whom a push goes (推送级别)."""


class Pushes(Ruled):
    """预警信息推送单: the centre pushes concentrated demands to the unit, which owes an answer (真如 三（五）)."""

    reasons: Register[PushReason]
    levels: Register[PushLevel]


class Clusters(Part):
    """反映相对集中、突出的诉求 (双鸭山 第八条（五）). Tickets of the types ``not_counted`` ask for no measure.

    Without ``pushes`` the unit is shown them, and owes no answer by a date.
    """

    reached: Reached
    window: Window
    not_counted: Stated[tuple[Code, ...]]
    pushes: Pushes | None = None

    def since(self, at: datetime) -> datetime:
        """The first instant of a window whose last day is the day of ``at``."""
        return midnight(at) - timedelta(days=self.window.days - 1)

    def until(self, first: datetime) -> datetime:
        """The first instant after a window whose first day is the day of ``first``."""
        return midnight(first) + timedelta(days=self.window.days)


def midnight(at: datetime) -> datetime:
    """When the local day of that instant began."""
    return datetime.combine(local_date(at), time(), SHANGHAI)


def problems_of_clusters(clusters: Clusters, types: Collection[str], kinds: Collection[str]) -> list[Problem]:
    """What is wrong between the section, the types of tickets and the ``kinds`` of limits."""
    place = ("clusters", "not_counted")
    found = [Problem(place, f"no type is called {code!r}") for code in clusters.not_counted.value if code not in types]
    if clusters.pushes is not None and "push_feedback" not in kinds:
        found.append(Problem(("clusters", "pushes"), "a push is answered by a date, of which the limits say nothing"))
    return found
