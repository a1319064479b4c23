"""``GLOSSARY.md`` holds the words that stand in packs and on the wire."""

import re
from pathlib import Path
from typing import get_args

import pytest

from common.events.catalogue import CATALOGUE
from common.events.envelope import Role
from common.events.vocabulary import DeadlineKind, Status, TicketType
from common.policy import Pack

GLOSSARY = (Path(__file__).parents[2] / "GLOSSARY.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`]+)`", GLOSSARY))


@pytest.mark.parametrize("words", [Status, DeadlineKind, TicketType, Role])
def test_every_published_word_has_its_official_term(words: object) -> None:
    assert set(get_args(words)) <= WORDS


def test_every_event_is_in_the_glossary_with_its_owner() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \| [^|]+ \| (\w+) \|$", GLOSSARY, re.MULTILINE))
    assert listed == {(entry.model.__name__, entry.owner) for entry in CATALOGUE.values()}


def test_the_packs_labels_are_the_glossarys_terms(pack: Pack) -> None:
    assert pack.consultation is not None
    assert pack.supervision is not None
    assert pack.accountability is not None
    assert pack.accountability.notice_kinds is not None
    for entries in (
        pack.ticket.types,
        pack.ticket.marks,
        pack.dispatching.roles,
        pack.dispatching.principles,
        pack.consultation.forms,
        pack.supervision.forms,
        pack.accountability.notice_kinds.kinds,
        pack.unit_kinds,
    ):
        for entry in entries.values():
            assert entry.code in WORDS
            assert entry.label in GLOSSARY
