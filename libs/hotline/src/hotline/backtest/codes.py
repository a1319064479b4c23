"""Types, channels and marks: the words of one pack read by another. What the other does not know is said, never lost.

A code that both packs have is the same one. One that only the recorded pack has is translated as the caller says; where
nobody says and the other pack's rules look at such codes, the ticket is not comparable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel

from common.policy import Pack, Situation, When
from hotline.backtest.lives import Life, NotComparable
from sla.facts import Fact

Dimension = Literal["type", "channel", "mark"]
WORDS: Final[Mapping[Dimension, str]] = {"type": "诉求类型", "channel": "受理渠道", "mark": "标记"}
_CONDITION: Final[Mapping[Dimension, str]] = {"type": "type", "channel": "channel", "mark": "marks"}
NOTHING: Final = ""
"""A mark that has no like in the other pack and is left out."""


class MappingRefused(ValueError):
    """A translation that cannot be: the sentence says why."""


@dataclass(frozen=True, slots=True)
class Codes:
    """How the codes of a recorded ticket are read under ``pack``.

    ``given``: (dimension, recorded code) → the pack's code. ``looked_at``: the dimensions that its rules
    look at; what they do not look at makes no difference. ``used``: what comparable tickets had, and how it was read.
    """

    pack: Pack
    given: Mapping[tuple[Dimension, str], str] = field(default_factory=dict)
    looked_at: frozenset[Dimension] = frozenset()
    used: dict[tuple[Dimension, str], str] = field(default_factory=dict)

    def translated(self, life: Life) -> tuple[Fact, ...]:
        """The life's facts in the pack's codes; ``NotComparable`` names all that has none."""
        unknown: dict[str, None] = {}
        used: dict[tuple[Dimension, str], str] = {}
        facts = tuple(self._fact(fact, unknown, used) for fact in life.facts)
        if unknown:
            raise NotComparable(*unknown)
        self.used.update(used)
        return facts

    def situation(self, recorded: Situation) -> Situation:
        """A recorded situation in the pack's codes. What has no like has been refused before."""
        marks = {self.given.get(("mark", code), code) for code in recorded.marks} - {NOTHING}
        return replace(
            recorded,
            type=self.given.get(("type", recorded.type or ""), recorded.type),
            channel=self.given.get(("channel", recorded.channel or ""), recorded.channel),
            marks=frozenset(marks),
        )

    def _fact(self, fact: Fact, unknown: dict[str, None], used: dict[tuple[Dimension, str], str]) -> Fact:
        if fact.type not in ("TicketCreated", "TicketAmended"):
            return fact
        more: dict[str, Any] = dict(fact.more)
        for name in ("type", "channel"):
            if name in more:
                more[name] = self._code(name, more[name], unknown, used)
        marks = [self._code("mark", code, unknown, used) for code in more.get("marks", ())]
        more["marks"] = [code for code in dict.fromkeys(marks) if code != NOTHING]
        return replace(fact, more=more)

    def _code(
        self, dimension: Dimension, code: str, unknown: dict[str, None], used: dict[tuple[Dimension, str], str]
    ) -> str:
        known = known_codes(self.pack, dimension)
        read_as = self.given.get((dimension, code), code)
        if read_as != NOTHING and read_as not in known and dimension in self.looked_at:
            unknown[f"{WORDS[dimension]} {code} 在{self.pack.name}规则中没有对应"] = None
        used[dimension, code] = read_as
        return read_as


def codes_for(pack: Pack, given: Mapping[tuple[Dimension, str], str]) -> Codes:
    """``MappingRefused`` for a translation into what the pack does not have."""
    for (dimension, code), read_as in given.items():
        if read_as == NOTHING and dimension != "mark":
            raise MappingRefused(f"{dimension}:{code}: only a mark can be left out")
        if read_as != NOTHING and read_as not in known_codes(pack, dimension):
            raise MappingRefused(f"{dimension}:{code}={read_as}: {pack.name} has no such {dimension}")
    return Codes(pack, dict(given), looked_at(pack))


def parsed(written: str) -> tuple[tuple[Dimension, str], str]:
    """``mark:special=urgent``, ``channel:wechat=phone``, ``mark:mediation=`` (left out). ``MappingRefused``."""
    left, equals, right = written.partition("=")
    dimension, colon, code = left.partition(":")
    if not equals or not colon or not code or dimension not in get_args(Dimension):
        raise MappingRefused(
            f"{written!r} is not written as mark:special=urgent, channel:wechat=phone or type:praise=help"
        )
    return (dimension, code), right  # type: ignore[return-value]  # as just asked


def known_codes(pack: Pack, dimension: Dimension) -> Mapping[str, Any]:
    section = pack.ticket
    return {"type": section.types, "channel": section.channels, "mark": section.marks}[dimension]


def looked_at(pack: Pack) -> frozenset[Dimension]:
    """The dimensions that some condition on a limit, a return or an extension names."""
    found = _named(pack)
    return frozenset(
        name for name, field_ in _CONDITION.items() if any(getattr(one, field_) is not None for one in found)
    )


def looks_at_category(pack: Pack) -> bool:
    return any(each.category is not None for each in _named(pack))


def marks_looked_at(pack: Pack) -> frozenset[str]:
    """The marks that some condition on a limit names outright."""
    found = [each.marks for each in _named(pack)]
    return frozenset(code for test in found if test is not None for code in test.codes())


def _named(pack: Pack) -> list[When]:
    sections = (pack.limits, pack.returns, pack.extensions)
    return [each for section in sections for when in _conditions(section) for each in when.nested()]


def _conditions(part: Any) -> Iterator[When]:
    if isinstance(part, When):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _conditions(getattr(part, name))
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _conditions(value)
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _conditions(value)
