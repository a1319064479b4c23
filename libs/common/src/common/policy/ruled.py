"""What every value of a pack carries: the rule it belongs to, and its source or the reason it was assumed."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from common.basis import Basis

RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,4}-[A-Za-z0-9.]+$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]

LONGEST_QUOTE = 60
"""A quote is the few decisive words of a clause, in characters, never the whole passage."""


class Part(BaseModel):
    """A piece of a pack. A key that no model knows is an error, so that a misspelt rule can not be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(Part):
    """Days on which something holds, first and last included. No last day: until changed."""

    from_: date = Field(alias="from")
    to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to is not None and self.to < self.from_:
            raise ValueError(f"the period ends on {self.to}, before it begins on {self.from_}")
        return self

    def covers(self, on: date) -> bool:
        return self.from_ <= on and (self.to is None or on <= self.to)

    def overlaps(self, other: "Period") -> bool:
        return (other.to is None or self.from_ <= other.to) and (self.to is None or other.from_ <= self.to)

    def within(self, other: "Period") -> bool:
        return other.from_ <= self.from_ and (other.to is None or (self.to is not None and self.to <= other.to))


class Source(Part):
    """The clause a value was read from.

    A file may name the document by its key in the pack's ``documents`` or leave it out (the pack's own document); the
    model always holds the full title, because a basis travels without its pack.
    """

    document: Words
    article: Words
    quote: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=LONGEST_QUOTE)]

    @model_validator(mode="before")
    @classmethod
    def _full_title(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping) or not isinstance(info.context, Mapping):
            return data
        titles: Mapping[str, str] = info.context["titles"]
        named = data.get("document", info.context["main"])
        if isinstance(named, str) and named in titles:
            return {**data, "document": titles[named]}
        if named in titles.values():
            return data
        raise ValueError(f"the source names the document {named!r}, which the pack's documents do not list")


class Ruled(Part):
    """A value with its rule, and a source, an assumption, or both where a clause needed a reading beside it.

    Where a document contradicts itself, ``readings`` holds what each place says, by name and with its own source, and
    ``in_force`` names the one that counts; ``assumption`` then says why.
    """

    rule: RuleId
    source: Source | None = None
    assumption: Words | None = None
    readings: Annotated[Mapping[Code, Mapping[str, Any]], Field(min_length=2)] | None = None
    in_force: Code | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _reading_in_force(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """The value by the reading in force; every other reading must be one that could be put in force."""
        if not isinstance(data, Mapping) or not {"readings", "in_force"} & set(data):
            return handler(data)
        readings, chosen = data.get("readings"), data.get("in_force")
        if not isinstance(readings, Mapping) or not all(isinstance(one, Mapping) for one in readings.values()):
            raise ValueError("where there are several readings, `readings` lists them by name")
        if chosen not in readings:
            raise ValueError(f"`in_force` is {chosen!r}, which is none of the readings {', '.join(map(str, readings))}")
        said = {name for one in readings.values() for name in one}
        common = {name: value for name, value in data.items() if name not in said | {"readings", "in_force"}}
        for name, reading in readings.items():
            if name != chosen:
                if "source" not in reading:
                    raise ValueError(f"the reading {name!r} does not say where it stands")
                cls.model_validate({**common, **reading}, context=info.context)
        return handler({**common, **readings[chosen], "readings": readings, "in_force": chosen})

    @model_validator(mode="after")
    def _grounded(self) -> Self:
        if self.source is None and self.assumption is None:
            raise ValueError("neither a source nor an assumption is given")
        return self

    @property
    def basis(self) -> Basis:
        source = self.source
        return Basis(
            rule=self.rule,
            document=source.document if source else None,
            article=source.article if source else None,
            quote=source.quote if source else None,
            assumption=self.assumption,
        )


class Effective(Ruled, Period):
    """The days on which a pack is in force, and how its first day is known: said by its document, or assumed."""

    @property
    def first_day_assumed(self) -> bool:
        return self.source is None


T = TypeVar("T")


class Stated(Ruled, Generic[T]):
    """One decided value. Ask ``.value``: the object itself is never true or false."""

    value: T

    def __bool__(self) -> bool:
        raise TypeError("a stated value is neither true nor false: ask its .value")


class Entry(Ruled):
    """A named member of a list that the pack decides: a ticket type, a ground, a principle."""

    code: Code
    label: Words


def _with_codes(data: Any) -> Any:
    """Each entry knows its own code: files write it once, as the key."""
    if not isinstance(data, Mapping):
        return data
    coded: dict[Any, Any] = {}
    for key, body in data.items():
        if isinstance(body, Mapping):
            if body.get("code", key) != key:
                raise ValueError(f"the entry {key!r} calls itself {body['code']!r}")
            coded[key] = {**body, "code": key}
        else:
            coded[key] = body
    return coded


E = TypeVar("E", bound=Entry)
Register = Annotated[Mapping[Code, E], BeforeValidator(_with_codes), Field(min_length=1)]
"""Entries by code, in the order of the document."""
