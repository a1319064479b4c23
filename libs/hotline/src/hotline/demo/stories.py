"""The cases of ``examples/`` as they are written down: who attempted what, when. What became of it is not in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from common.events.vocabulary import Slug, TicketType

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A unit's code without its jurisdiction: the demo puts in front the one that runs."""

CENTRE = ("softphone", "agent", "dispatcher", "reviewer", "supervisor")
"""Who acts besides the units."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Unit(Part):
    """A unit of the story, entered as a demonstration unit. ``kind`` is one of the pack's."""

    code: Code
    name: str
    kind: Slug


class Source(Part):
    """The document that tells the stories, and the units in it."""

    document: str
    issued_by: str
    units: tuple[Unit, ...]

    def names(self, jurisdiction: str) -> dict[str, str]:
        """Full code → name."""
        return {f"{jurisdiction}.{unit.code}": unit.name for unit in self.units}


class Moment(Part):
    """When somebody acted. ``printed``: what the document says of the moment, in its words.

    ``assumed`` with its ``reason`` wherever the document does not print the whole moment. ``under_suite``: nobody did
    so then; under the suite a person does it, for the reason that is given.
    """

    at: AwareDatetime
    who: Code
    printed: str | None = None
    assumed: bool = False
    reason: str | None = None
    under_suite: bool = False

    @model_validator(mode="after")
    def _printed_or_assumed(self) -> Self:
        if self.assumed != (self.reason is not None):
            raise ValueError("a moment that is assumed says why, and only such a moment")
        if not self.assumed and self.printed is None:
            raise ValueError("a moment is printed in the document, or assumed")
        if self.under_suite and not self.assumed:
            raise ValueError("what is done only under the suite is assumed, and says why")
        return self


class Register(Moment):
    does: Literal["register"]
    channel: Slug
    type: TicketType
    category: str
    statement: str
    address: str
    marks: tuple[Slug, ...] = ()


class Assign(Moment):
    does: Literal["assign"]
    unit: Code
    principle: Slug


class SignIn(Moment):
    does: Literal["sign_in"]


class Contact(Moment):
    does: Literal["contact"]
    outcome: Literal["reached", "attempts_exhausted"]


class Progress(Moment):
    does: Literal["progress"]
    text: str
    concludes_part: bool = False


class Close(Moment):
    does: Literal["close"]
    result: str


class Return(Moment):
    """退单. ``why`` is the unit's reason; ``reason`` is why the moment is assumed."""

    does: Literal["return"]
    ground: Slug | None = None
    why: str | None = None
    legal_basis: str | None = None
    suggested_unit: Code | None = None


class Rule(Moment):
    """A reviewer decides the return that waits."""

    does: Literal["rule"]
    decision: Literal["approve", "deny"]
    ground: Slug
    note: str | None = None


class Callback(Moment):
    does: Literal["callback"]
    outcome: Literal["reached", "not_reached"]
    responded: bool | None = None
    resolved: bool | None = None
    satisfaction: Slug | None = None


class Judge(Moment):
    """A reviewer judges the callback that no rule settled."""

    does: Literal["judge"]
    outcome: Literal["archive", "redo"]
    ground: Slug | None = None
    why: str


class Supervise(Moment):
    """督办 of the unit that holds the ticket."""

    does: Literal["supervise"]
    form: Literal["phone", "consultation", "special"]
    ground: Slug | None = None
    text: str


class Reply(Moment):
    """The supervised unit's written reply to the last supervision that wants one."""

    does: Literal["reply"]
    text: str


class Convene(Moment):
    """召集 of the units in dispute; whom the rule wants at the table besides, the suite invites."""

    does: Literal["convene"]
    form: Literal["designation", "coordination", "consultation"]
    ground: Slug | None = None
    participants: tuple[Code, ...]
    subject: str


class Opinion(Moment):
    """A participant's opinion in the consultation that goes on."""

    does: Literal["opinion"]
    opinion: str
    legal_basis: str | None = None


class Minutes(Moment):
    does: Literal["minutes"]
    text: str


class Conclude(Moment):
    """The conclusion: who leads, by which principle, and in how many working days."""

    does: Literal["conclude"]
    unit: Code
    co_handlers: tuple[Code, ...] = ()
    principle: Slug
    working_days: Annotated[int, Field(ge=1)] | None = None
    solution: str
    reply_wording: str | None = None


Step = Annotated[
    Register
    | Assign
    | SignIn
    | Contact
    | Progress
    | Close
    | Return
    | Rule
    | Callback
    | Judge
    | Supervise
    | Reply
    | Convene
    | Opinion
    | Minutes
    | Conclude,
    Field(discriminator="does"),
]


class Happened(Part):
    """The case as the document tells it: how often it was moved, how long it took, who had it, what was late, why."""

    moves: int
    lasted: str
    held_by: str
    late: str
    why: str


class Story(Part):
    """One ticket: where the document tells it, what it tells, and the attempts in order.

    ``case``: the case that several tickets together are. ``happened`` stands in one story of each case.
    """

    story: str
    case: str | None = None
    place: str
    told: str
    happened: Happened | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _begins_and_goes_on(self) -> Self:
        if [step.does for step in self.steps].index("register") != 0:
            raise ValueError("a story begins with its registration")
        moments = [step.at for step in self.steps]
        if moments != sorted(moments):
            raise ValueError("the steps of a story stand in the order of their moments")
        return self

    @property
    def of_case(self) -> str:
        return self.case or self.story


@dataclass(frozen=True, slots=True)
class Collection:
    """All stories of one document."""

    source: Source
    stories: Sequence[Story]


def read_collection(folder: Path) -> Collection:
    """The folder's stories, the earliest first, and their ``source.yaml``. ``ValueError`` names what is wrong."""
    source = Source.model_validate(_plain(folder / "source.yaml"))
    files = sorted(path for path in folder.glob("*.yaml") if path.name != "source.yaml")
    stories = [Story.model_validate(_plain(path)) for path in files]
    known = {*CENTRE, *(unit.code for unit in source.units)}
    for path, story in zip(files, stories, strict=True):
        strangers = {name for step in story.steps for name in _named(step)} - known
        if strangers:
            raise ValueError(f"{path.name} names {', '.join(sorted(strangers))}: not in source.yaml")
    return Collection(source, sorted(stories, key=lambda story: story.steps[0].at))


def _plain(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _named(step: Step) -> list[str]:
    units = [getattr(step, field, None) for field in ("unit", "suggested_unit")]
    several = [*getattr(step, "participants", ()), *getattr(step, "co_handlers", ())]
    return [step.who, *(unit for unit in units if unit is not None), *several]
