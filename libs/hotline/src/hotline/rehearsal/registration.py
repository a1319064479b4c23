"""Registration (受理登记): what an agent enters, and what becomes of it (双鸭山 第二条、第十一条至第十三条)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from common.clock import local_date
from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.stage import Expectation, HandedDown, Stage, articles, compare
from intake.registration.rules import (
    Acceptance,
    Demand,
    Outcome,
    RegistrationRefused,
    Requester,
    Settlement,
    accept,
)

_SOME_DAY: Final = datetime(2025, 3, 12, 2, tzinfo=UTC)
_ENTERED: Final = {"name": "某人", "phone": "13800000000", "statement": "某事", "address": "某处"}


class Settled(Part):
    """What the agent states of an outcome other than a work order."""

    answer: Words | None = None
    ground: Code | None = None
    told: bool | None = None
    right_body: Words | None = None
    legal_basis: Words | None = None
    unit_told: Words | None = None
    transferred_to: Words | None = None
    consent: bool | None = None
    mode: Code | None = None


class RefusedEntry(Part):
    """Why an entry is not taken: the heading, each sentence the agent reads, and the clauses."""

    title: Words
    says: tuple[Words, ...]
    articles: tuple[Words, ...] = ()


class Registration(Expectation):
    """What an agent entered. ``given``: the elements filled in.

    Without ``refused`` the entry is taken; ``articles`` are the clauses of the acceptance, ``tell`` what the caller is
    told, ``right_body`` who is in charge instead, ``emergency`` whether units are told at once.
    """

    outcome: Outcome = "work_order"
    type: Code | None = None
    channel: Code = "phone"
    requester_kind: Code = "natural_person"
    marks: tuple[Code, ...] = ()
    given: tuple[Annotated[str, Field(pattern="^(name|phone|statement|address)$")], ...] = ()
    anonymous: bool = False
    external_ref: Words | None = None
    imposed: HandedDown | None = None
    settled: Settled = Settled()
    at: AwareDatetime | None = None
    sequence_of_day: Annotated[int, Field(ge=1)] | None = None
    number: Words | None = None
    articles: tuple[Words, ...] | None = None
    tell: Words | None = None
    right_body: Words | None = None
    emergency: bool = False
    refused: RefusedEntry | None = None

    def differences(self, stage: Stage) -> Iterator[str]:
        refused: RegistrationRefused | None = None
        accepted: Acceptance | None = None
        try:
            accepted = accept(self._demand(), stage.pack, self._demand().received_at)
        except RegistrationRefused as refusal:
            refused = refusal
        yield from self._refusal(refused)
        if accepted is not None:
            if self.articles is not None:
                yield from compare("articles of the acceptance", self.articles, articles(accepted.basis))
            yield from compare("what the caller is told", self.tell, accepted.tell)
            yield from compare("who is in charge instead", self.right_body, accepted.right_body)
            yield from compare("units are told at once", self.emergency, accepted.emergency)
        if self.number is not None and self.at is not None and self.sequence_of_day is not None:
            number = stage.pack.ticket.format_number(local_date(self.at), self.sequence_of_day)
            yield from compare("number", self.number, number)

    def _refusal(self, refused: RegistrationRefused | None) -> Iterator[str]:
        if refused is None or self.refused is None:
            told = self.refused.title if self.refused else "the entry is taken"
            actual = f"{refused.title}：{_said(refused)}" if refused else "the entry is taken"
            yield from compare("registration", told, actual)
            return
        yield from compare("heading of the refusal", self.refused.title, refused.title)
        said = tuple(fault.message for fault in refused.faults)
        yield from compare("sentences of the refusal", self.refused.says, said)
        yield from compare("articles of the refusal", self.refused.articles, articles(refused.basis))

    def _demand(self) -> Demand:
        entered = {name: words if name in self.given else None for name, words in _ENTERED.items()}
        return Demand(
            outcome=self.outcome,
            type=self.type,
            channel=self.channel,
            category="某类",
            marks=self.marks,
            statement=entered["statement"],
            address=entered["address"],
            requester=Requester(self.requester_kind, entered["name"], entered["phone"], self.anonymous),
            received_at=self.at or _SOME_DAY,
            settlement=Settlement(**self.settled.model_dump()),
            external_ref=self.external_ref,
            imposed_limit=self.imposed.limit() if self.imposed else None,
        )


def _said(refused: RegistrationRefused) -> str:
    return "".join(fault.message for fault in refused.faults)
