"""What units are told the moment it happens, by telephone or text message, and when the telephone stays silent."""

from collections.abc import Collection, Mapping
from datetime import time
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from common.policy.limits import DUTIES
from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated, Words

Happening = Literal[
    "Dispatched",
    "Reissued",
    "TicketAmended",
    "TicketUrged",
    "TicketTransferred",
    "TicketDeclined",
    "SupervisionIssued",
    "ConsultationConvened",
]
Addressee = Literal["lead", "co_handlers", "territory", "authority", "unit", "participants"]
"""``territory``: the county or district above the lead or a co-handler. ``unit``: the one the event itself names."""

_HOLDERS: frozenset[Addressee] = frozenset({"lead", "co_handlers", "territory"})
_OF_HELD: frozenset[Happening] = frozenset({"Dispatched", "Reissued", "TicketAmended", "TicketUrged"})
_NAMED_BY: Mapping[Addressee, tuple[Happening, ...]] = {
    "unit": ("SupervisionIssued", "TicketDeclined"),
    "participants": ("ConsultationConvened",),
}
_ALWAYS = frozenset({"number", "type"})
_WORDS_OF: Mapping[str, Happening] = {"times": "TicketUrged", "line": "TicketTransferred"}
"""Words of a text that only one event fills in: how often it was urged, the emergency line that was called in."""

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Occasion(Entry):
    """One notice: what brings it about, whom it goes to, and its words.

    ``mark``: only for tickets with this mark; an amendment brings it about when it is what sets the mark.
    ``emergency``: only for what the section on acceptance calls one. ``form``: only for this form of supervision.
    ``limit`` names the kind of limit whose length the text tells. ``at_once``: quiet hours do not hold it.
    """

    on: Annotated[tuple[Happening, ...], Field(min_length=1)]
    mark: Code | None = None
    emergency: Literal[True] | None = None
    form: Literal["phone", "consultation", "special"] | None = None
    to: Annotated[tuple[Addressee, ...], Field(min_length=1)]
    limit: Code | None = None
    at_once: bool
    text: Words

    @model_validator(mode="after")
    def _says_what_it_can(self) -> Self:
        words = set(self.words())
        known = {*_ALWAYS, *(["limit"] if self.limit else ()), *(w for w, on in _WORDS_OF.items() if self.on == (on,))}
        if strange := words - known:
            raise ValueError(f"nothing fills in {', '.join(sorted(strange))} of the text")
        if self.limit is not None and (self.limit not in DUTIES or "limit" not in words):
            raise ValueError(f"the limit {self.limit!r} is no duty, or the text does not tell it")
        return self

    @model_validator(mode="after")
    def _goes_to_somebody(self) -> Self:
        for one in self.to:
            if one in _HOLDERS and not _OF_HELD.issuperset(self.on):
                raise ValueError(f"{one} is known only while a unit holds the ticket")
            if one in _NAMED_BY and self.on not in [(named,) for named in _NAMED_BY[one]]:
                raise ValueError(f"{one} is named only by {', '.join(_NAMED_BY[one])}")
        if "TicketAmended" in self.on and self.mark is None:
            raise ValueError("an amendment brings about only what a mark does")
        if ("SupervisionIssued" in self.on) != (self.form is not None):
            raise ValueError("a supervision is told by its form, and nothing else has one")
        return self

    def words(self) -> tuple[str, ...]:
        """The names in braces that the text has filled in."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.text) if name is not None)


class QuietHours(Ruled):
    """From when to when no notice rings, by the clock on the wall; over midnight when ``from`` is the later one."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("quiet hours that end when they begin")
        return self

    @property
    def begin(self) -> time:
        return time.fromisoformat(self.from_)

    @property
    def end(self) -> time:
        return time.fromisoformat(self.to)


class Notices(Part):
    """即时提醒与通报 (双鸭山 第十一条、第十三条、第十七条、第三十二条).

    The occasions in order: a unit that one event would be told of twice gets the earlier occasion's notice alone.
    ``territory_kind``: the kind of unit that is the territorial government (属地政府).
    """

    occasions: Register[Occasion]
    territory_kind: Stated[Code]
    quiet_hours: QuietHours
    never_quiet_marks: Stated[tuple[Code, ...]]

    def territory_told(self, marks: Collection[str]) -> Occasion | None:
        """By which occasion the dispatch of a ticket with these marks is told to the territory; None: it is not."""
        return next(
            (
                occasion
                for occasion in self.occasions.values()
                if "Dispatched" in occasion.on
                and "territory" in occasion.to
                and (occasion.mark is None or occasion.mark in marks)
            ),
            None,
        )
