"""Every change of one value that a pack's data can take, found by walking the data beside the models that read it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, StringConstraints

from common.policy.pack import Pack
from common.policy.refusals import Place

DOCUMENTATION: Final = frozenset({"quote", "assumption", "rule"})
_CODE: Final = re.compile(r"^[a-z][a-z0-9_]*$")
_CHANGED: Final = "（改）"


class _Nothing(Enum):
    """In place of a value that is left out; an enumeration's member stays itself on its way to another process."""

    LEFT_OUT = "left out"


LEFT_OUT: Final = _Nothing.LEFT_OUT


@dataclass(frozen=True, slots=True)
class Mutant:
    """One value changed: where it stands in the merged files, what it said, and what it says now."""

    place: Place
    said: Any
    says: Any

    def __str__(self) -> str:
        where = ".".join(str(step) for step in self.place)
        now = "left out" if self.says is LEFT_OUT else _short(self.says)
        return f"{where}: {_short(self.said)} → {now}"

    def applied(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The data with this change; what lies off the path is shared."""
        changed: dict[str, Any] = _with(content, self.place, self.says)
        return changed


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _with(value: Any, place: Place, says: Any) -> Any:
    if not place:
        return says
    step, rest = place[0], place[1:]
    copy: Any = list(value) if isinstance(value, Sequence) else dict(value)
    if says is LEFT_OUT and not rest:
        del copy[step]
    elif rest or isinstance(value, Mapping) or step != len(value):
        copy[step] = _with(value[step], rest, says)
    else:
        copy.append(says)
    return copy


def mutants_of(content: Mapping[str, Any]) -> Iterator[Mutant]:
    """The changes of a pack's data, in the order of the files."""
    walk = _Walk((*_registers(content), tuple(content.get("documents", ()))), _unit_codes(content))
    yield from walk.model(Pack, content, ())


def _registers(value: Any) -> Iterator[tuple[str, ...]]:
    """The lists of codes that other places may refer to."""
    if isinstance(value, Mapping):
        keys = tuple(key for key in value if isinstance(key, str))
        if keys and all(isinstance(item, Mapping) and "label" in item for item in value.values()):
            yield keys
        for item in value.values():
            yield from _registers(item)


def _unit_codes(content: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(unit["code"] for unit in content.get("units", ()))


@dataclass(frozen=True, slots=True)
class _Walk:
    registers: tuple[tuple[str, ...], ...]
    units: tuple[str, ...]

    def model(self, model: type[BaseModel], content: Mapping[str, Any], place: Place) -> Iterator[Mutant]:
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key not in content or name in DOCUMENTATION:
                continue
            here, value = (*place, key), content[key]
            if name == "readings":
                for code, reading in value.items():
                    yield from self.model(model, reading, (*here, code))
                continue
            if not field.is_required() and name != "source" and value not in (field.default, []):
                yield Mutant(here, value, LEFT_OUT)
            metadata = tuple(field.metadata)
            for mutant in self.value(field.annotation, value, here, metadata):
                if not _same_in_other_words(content, mutant):
                    yield mutant

    def value(self, expected: Any, value: Any, place: Place, metadata: tuple[Any, ...] = ()) -> Iterator[Mutant]:
        while get_origin(expected) is Annotated:
            expected, *more = get_args(expected)
            metadata = (*metadata, *more)
        origin = get_origin(expected)
        if origin in (Union, UnionType):
            yield from self.value(_member(expected, value), value, place, metadata)
        elif origin is Literal:
            yield from (Mutant(place, value, choice) for choice in get_args(expected) if choice != value)
        elif isinstance(expected, type) and issubclass(expected, BaseModel):
            yield from self.model(expected, value, place)
        elif isinstance(value, Mapping):
            yield from self.mapping(get_args(expected), value, place)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from self.sequence(get_args(expected), value, place)
        else:
            yield from (Mutant(place, value, other) for other in self.others(value, place, metadata))

    def mapping(self, types: tuple[Any, ...], value: Mapping[str, Any], place: Place) -> Iterator[Mutant]:
        for key, item in value.items():
            yield Mutant((*place, key), item, LEFT_OUT)
            yield from self.value(types[1] if len(types) > 1 else Any, item, (*place, key))

    def sequence(self, types: tuple[Any, ...], value: Sequence[Any], place: Place) -> Iterator[Mutant]:
        member = types[0] if types else Any
        for index, item in enumerate(value):
            yield Mutant((*place, index), item, LEFT_OUT)
            if not isinstance(item, str) or _bare(member) is str:
                yield from self.value(member, item, (*place, index))
        for choice in _choices(member):
            if choice not in value:
                yield Mutant((*place, len(value)), "", choice)

    def others(self, value: Any, place: Place, metadata: tuple[Any, ...]) -> Iterator[Any]:
        """What stands instead of a single value."""
        if isinstance(value, bool):
            yield not value
        elif isinstance(value, int):
            yield from (value + 1, value - 1)
        elif isinstance(value, date):
            yield from (value + timedelta(days=1), value - timedelta(days=1))
        elif isinstance(value, str):
            yield from self.texts(value, _patterned(metadata))

    def texts(self, value: str, patterned: bool) -> Iterator[str]:
        referred = [codes for codes in (*self.registers, self.units) if value in codes]
        if referred:
            yield from dict.fromkeys(other for codes in referred if (other := _next(codes, value)) != value)
        elif patterned and not _CODE.match(value):
            yield from _rewritten(value)
        elif _CODE.match(value):
            yield f"{value}_x"
        else:
            yield f"{value}{_CHANGED}"


def _next(codes: tuple[str, ...], code: str) -> str:
    return codes[(codes.index(code) + 1) % len(codes)]


def _rewritten(value: str) -> Iterator[str]:
    """A text with a form to keep: each of its numbers one more and one less, and another first letter."""
    for found in re.finditer(r"\d+", value):
        for number in (int(found[0]) + 1, int(found[0]) - 1):
            if number >= 0:
                yield f"{value[: found.start()]}{number:0{len(found[0])}d}{value[found.end() :]}"
    if value[0].isascii() and value[0].isalpha():
        yield f"{chr(ord(value[0]) + 1)}{value[1:]}"


def _patterned(metadata: tuple[Any, ...]) -> bool:
    return any(
        getattr(one, "pattern", None) is not None or (isinstance(one, StringConstraints) and one.pattern)
        for one in metadata
    )


def _bare(expected: Any) -> Any:
    while get_origin(expected) is Annotated:
        expected = get_args(expected)[0]
    return expected


def _choices(expected: Any) -> tuple[Any, ...]:
    bare = _bare(expected)
    if get_origin(bare) in (Union, UnionType):
        return tuple(choice for member in get_args(bare) for choice in _choices(member))
    return get_args(bare) if get_origin(bare) is Literal else ()


def _member(union: Any, value: Any) -> Any:
    """The member of a union that reads this value."""
    members = [member for member in get_args(union) if member is not NoneType]
    if isinstance(value, Mapping):
        for member in members:
            fields = getattr(_bare(member), "model_fields", None)
            if fields is not None and set(value) <= {field.alias or name for name, field in fields.items()}:
                return member
    if len(members) > 1 and all(get_origin(_bare(member)) is Literal for member in members):
        return Literal[tuple(choice for member in members for choice in get_args(_bare(member)))]
    return members[0]


def _same_in_other_words(content: Mapping[str, Any], mutant: Mutant) -> bool:
    """One natural day, rolled on to a working day, is one working day; what is counted back counts both alike."""
    if mutant.place[-2:] == ("allowance", "unit"):
        return content.get("amount") == 1 and mutant.says == "natural_days"
    both = ("working_days", "rolling_working_days")
    back = mutant.place[-2:] in (("warn_before", "unit"), ("earlier_by", "unit"))
    return back and mutant.said in both and mutant.says in both
