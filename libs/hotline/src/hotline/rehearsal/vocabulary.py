"""Vocabulary (用语): the words and clauses a pack holds, as the documents have them.

Lists are compared whole: a word more or less, another label, another clause, another order is a difference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from common.policy.ruled import Code, Ruled, Words
from hotline.rehearsal.stage import Comparison, Stage, compare


class ListRead(Comparison):
    """A list of the pack by its place, and each entry's label; behind a wide space the clause it stands in."""

    of: Words
    entries: Mapping[Code, Words]

    def differences(self, stage: Stage) -> Iterator[str]:
        found = _at(stage.pack, self.of)
        if not isinstance(found, Mapping):
            yield f"the pack has no list {self.of}"
            return
        yield from compare(f"the list {self.of}", tuple(self.entries), tuple(found))
        for code, words in self.entries.items():
            if code in found:
                yield from compare(f"{self.of}.{code}", words, _read(found[code]))


class Values(Comparison):
    """Single values of the pack by their places: the clause that a value rests on, or the value itself if it is text.

    ``clauses``: 第…条; a value that was assumed rests on none. ``texts``: names and sentences.
    """

    clauses: Mapping[Words, Words] = {}
    texts: Mapping[Words, Words] = {}

    def differences(self, stage: Stage) -> Iterator[str]:
        for place, clause in self.clauses.items():
            value = _at(stage.pack, place)
            yield from compare(
                f"clause of {place}", clause, _clause(value, stage) if isinstance(value, Ruled) else None
            )
        for place, words in self.texts.items():
            found = _at(stage.pack, place)
            yield from compare(place, words, _text(found))


def _clause(value: Ruled, stage: Stage) -> str | None:
    """The article, behind the title of its document where that is not the pack's own."""
    pack, basis = stage.pack, value.basis
    own = basis.document in (None, pack.documents[pack.main_document].title)
    return basis.article if own else f"《{basis.document}》{basis.article}"


def _at(value: Any, place: str) -> Any:
    """What stands at a place of the pack, its steps named as in the files; None: nothing. A key may have a dot."""
    steps = place.split(".")
    while steps:
        step = steps.pop(0)
        if isinstance(value, Mapping):
            if step not in value and steps:
                step = f"{step}.{steps.pop(0)}"
            value = value.get(step)
        elif isinstance(value, tuple):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, BaseModel):
            names = {field.alias or name: name for name, field in type(value).model_fields.items()}
            value = getattr(value, names[step]) if step in names else None
    return value


def _text(value: Any) -> str | None:
    """A value as a clerk writes it: 是 or 否, the members of a list with 、 between them."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(map(str, value))
    return None if value is None else str(value)


def _read(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    article = entry.basis.article
    return f"{entry.label}　{article}" if article else str(entry.label)
