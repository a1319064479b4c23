"""Vocabulary (用语): the lists a pack holds, word for word, as the documents have them.

A list is compared whole: a word more or less, another label, another clause, another order is a difference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from common.policy.ruled import Code, Ruled, Words
from hotline.rehearsal.stage import Expectation, Stage, compare

Said = str | bool | int | tuple[str, ...] | Mapping[str, str] | None


class ListRead(Expectation):
    """A list of the pack by its place, and what each entry says: 标签, and beside it whatever else is to be read."""

    of: Words
    entries: Mapping[Code, Words | Mapping[str, Any]]

    def differences(self, stage: Stage) -> Iterator[str]:
        found: Any = stage.pack
        for step in self.of.split("."):
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
        if not isinstance(found, Mapping):
            yield f"the pack has no list {self.of}"
            return
        yield from compare(f"the list {self.of}", tuple(self.entries), tuple(found))
        for code, expected in self.entries.items():
            if code in found:
                yield from _entry(f"{self.of}.{code}", expected, found[code])


def _entry(what: str, expected: Any, entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield from compare(what, expected, entry)
        return
    said = {"label": expected} if isinstance(expected, str) else expected
    if isinstance(expected, str):
        label, _, article = expected.partition("　")
        said = {"label": label, "article": article or None}
    for name, words in said.items():
        yield from compare(f"{what}: {name}", words, _read(entry, name))


def _read(entry: Any, name: str) -> Any:
    if name == "article" and isinstance(entry, Ruled):
        return entry.basis.article
    value = getattr(entry, name, None)
    return dict(value) if isinstance(value, Mapping) else value
