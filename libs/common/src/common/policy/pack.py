"""A policy pack: what one jurisdiction decides differently, as typed, frozen data with dates and sources."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import Discriminator, Field, StringConstraints, Tag, ValidationError

from common.clock import local_date
from common.policy.acceptance import Acceptance
from common.policy.accountability import Accountability
from common.policy.callbacks import Callbacks, problems_of_judgements
from common.policy.catalogue import Catalogue
from common.policy.catalogue_check import problems_of_catalogue
from common.policy.cessation import Cessation
from common.policy.closing import Closing
from common.policy.clusters import Clusters, problems_of_clusters
from common.policy.consistency import problems_of_sections
from common.policy.consultation import Consultation, problems_of_consultation
from common.policy.dispatching import Dispatching
from common.policy.escalation import Escalation, problems_of_escalation
from common.policy.extensions import Extensions, problems_of_extensions
from common.policy.knowledge import Knowledge
from common.policy.limits import Limits
from common.policy.notices import Notices
from common.policy.refusals import Finding, NoPackInForce, PackInvalid, Problem
from common.policy.restrictions import Restrictions
from common.policy.returns import Returns
from common.policy.ruled import Code, Effective, Part, Period, Register, Stated, Words
from common.policy.sentences import sentence_for
from common.policy.supervision import Supervision, problems_of_supervision
from common.policy.ticket import TicketSection
from common.policy.units import Unit, UnitKind, UnitRegister

LARGEST_PACK = 900_000
"""Bytes of JSON that still travel in one ``PolicyActivated``."""


class Document(Part):
    """A published document that the pack quotes. Its publisher and day are left out where it names none."""

    title: Words
    published_by: Words | None = None
    published_on: date | None = None


def _dated(data: object) -> str:
    """Which of the two ``effective`` is. Packs that were activated before it had to be grounded have two bare dates."""
    if isinstance(data, Mapping):
        return "grounded" if {"rule", "source", "assumption"} & set(data) else "bare"
    return "grounded" if isinstance(data, Effective) else "bare"


InForceOn = Annotated[
    Annotated[Effective, Tag("grounded")] | Annotated[Period, Tag("bare")],
    Discriminator(_dated),
]


class Pack(Part):
    """One jurisdiction's rules for a period. Made by ``load_pack`` or ``parse_pack``, never by hand.

    ``extends``: the directory of files that these were merged over; what was merged is all here.
    """

    jurisdiction: Code
    name: Words
    extends: Annotated[str, StringConstraints(pattern=r"^_?[a-z][a-z0-9_]*$")] | None = None
    effective: InForceOn
    main_document: Code
    documents: Annotated[Mapping[Code, Document], Field(min_length=1)]
    ticket: TicketSection
    acceptance: Acceptance
    dispatching: Dispatching
    limits: Limits
    returns: Returns
    callbacks: Callbacks
    closing: Closing
    accountability: Accountability | None = None
    consultation: Consultation | None = None
    escalation: Escalation | None = None
    unit_kinds: Register[UnitKind]
    units: tuple[Unit, ...]
    unit_register: UnitRegister | None = None
    cessation: Cessation | None = None
    notices: Notices | None = None
    restrictions: Restrictions | None = None
    extensions: Extensions | None = None
    supervision: Supervision | None = None
    clusters: Clusters | None = None
    knowledge: Knowledge | None = None
    catalogue: Catalogue | None = None
    applies_to_open_tickets: Stated[bool] | None = None

    @property
    def effective_from(self) -> date:
        return self.effective.from_

    @property
    def effective_to(self) -> date | None:
        """The last day in force, None: until another pack takes over."""
        return self.effective.to

    @property
    def moves_open_tickets(self) -> bool:
        """Whether open tickets change to this pack; where it is silent, they keep the one they were registered with."""
        return self.applies_to_open_tickets is not None and self.applies_to_open_tickets.value

    @cached_property
    def version(self) -> str:
        """``<jurisdiction>@<first 12 hex digits of the content's SHA-256>``: the same words give the same version."""
        return f"{self.jurisdiction}@{hashlib.sha256(_canonical(self.dump())).hexdigest()[:12]}"

    def dump(self) -> dict[str, Any]:
        """The whole pack as JSON-able data; ``parse_pack`` makes the same version of it.

        Only what was written is given back, so that a field added to the models later leaves old versions alone.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse_pack(content: Mapping[str, Any]) -> Pack:
    """The pack in this data; ``PackInvalid`` lists everything that is wrong with it."""
    pack, problems = examine(content)
    if pack is None or problems:
        raise PackInvalid(
            [Finding(None, None, f"{_path(place)}: {said}" if place else said) for place, said in problems]
        )
    return pack


def _path(place: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in place)


def examine(content: Mapping[str, Any]) -> tuple[Pack | None, list[Problem]]:
    """The pack, if its data has the right shape, and everything wrong with it."""
    try:
        pack = Pack.model_validate(content, context=_titles(content))
    except ValidationError as error:
        return None, [Problem(detail["loc"], sentence_for(detail, Pack)) for detail in error.errors(include_url=False)]
    problems = problems_of_sections(
        jurisdiction=pack.jurisdiction,
        effective=pack.effective,
        ticket=pack.ticket,
        restrictions=pack.restrictions,
        limits=pack.limits,
        returns=pack.returns,
        callbacks=pack.callbacks,
        accountability=pack.accountability,
        unit_kinds=pack.unit_kinds,
        units=pack.units,
        dispatching=pack.dispatching,
        unit_register=pack.unit_register,
        notices=pack.notices,
        acceptance=pack.acceptance,
    )
    if pack.extensions is not None:
        problems += problems_of_extensions(pack.extensions, pack.ticket.types, pack.limits.kinds())
    if pack.supervision is not None:
        problems += problems_of_supervision(pack.supervision, pack.limits.duties())
    if pack.consultation is not None:
        functions = {unit.function for unit in pack.units if unit.function is not None}
        problems += problems_of_consultation(pack.consultation, pack.dispatching.principles, functions)
    if pack.escalation is not None:
        problems += problems_of_escalation(pack.escalation, pack.consultation)
    if pack.clusters is not None:
        problems += problems_of_clusters(pack.clusters, pack.ticket.types, pack.limits.kinds())
    if (pack.knowledge is not None) != ("knowledge_update" in pack.limits.kinds()):
        sentence = "what the knowledge base is owed and 'knowledge_update' of the limits stand together"
        problems.append(Problem(("knowledge",), sentence))
    if pack.catalogue is not None:
        problems += problems_of_catalogue(pack.catalogue, {unit.code for unit in pack.units}, pack.unit_kinds)
    problems += problems_of_judgements(pack.callbacks)
    if pack.main_document not in pack.documents:
        problems.append(Problem(("main_document",), f"the documents do not list {pack.main_document!r}"))
    size = len(_canonical(pack.dump()))
    if size > LARGEST_PACK:
        problems.append(Problem((), f"the pack has {size} bytes; one event carries at most {LARGEST_PACK}"))
    return pack, problems


def _titles(content: Mapping[str, Any]) -> dict[str, Any]:
    """What sources need to spell out their document; what is malformed here is reported by the models themselves."""
    documents = content.get("documents")
    listed = documents.items() if isinstance(documents, Mapping) else ()
    titles = {
        key: body["title"]
        for key, body in listed
        if isinstance(body, Mapping) and isinstance(body.get("title"), str) and isinstance(key, str)
    }
    return {"titles": titles, "main": content.get("main_document")}


def in_force(packs: Iterable[Pack], jurisdiction: str, at: datetime) -> Pack:
    """The jurisdiction's pack for the local day of that instant; ``NoPackInForce`` if there is none.

    Of several, the one that took effect last; of versions with the same first day, the last one given.
    """
    own = [pack for pack in packs if pack.jurisdiction == jurisdiction]
    day = local_date(at)
    valid = [pack for pack in own if pack.effective.covers(day)]
    if not valid:
        over = [pack.effective_to for pack in own if pack.effective_to is not None and pack.effective_to < day]
        raise NoPackInForce(jurisdiction, at, known=bool(own), ended_on=max(over, default=None))
    latest = max(pack.effective_from for pack in valid)
    return [pack for pack in valid if pack.effective_from == latest][-1]
