"""Every type of event there is: its schema, its one owner, its topic, and what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Literal

from common.events import dispatch, intake, reporting, review, sla
from common.events.envelope import Fact, TicketFact, UnitFact, WiderFact

About = Literal["ticket", "unit", "policy", "calendar", "cluster", "case", "entry"]

TICKETS = "hotline.tickets"
REFERENCE = "hotline.reference"
DEAD = "hotline.dead"
SERVICES = ("intake", "dispatch", "sla", "review", "reporting")


def unit_topic(unit: str) -> str:
    return f"hotline.units.{unit}"


def replay_topic(service: str) -> str:
    return f"hotline.replay.{service}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One type of event. ``about`` lists the kinds of subject it may have."""

    model: type[Fact]
    owner: str
    topic: str
    about: tuple[About, ...]
    version: int = 1

    @property
    def wire_type(self) -> str:
        return f"hotline.{self.model.__name__}.v{self.version}"


def _on(topic: str, *about: About) -> tuple[str, tuple[About, ...]]:
    return topic, about


_ON_TICKET = _on(TICKETS, "ticket")
_ELSEWHERE: Mapping[type[Fact], tuple[str, tuple[About, ...]]] = {
    intake.ClusterDetected: _on(TICKETS, "cluster"),
    intake.PushIssued: _on(TICKETS, "cluster"),
    intake.PushAnswered: _on(TICKETS, "cluster"),
    intake.KnowledgeDue: _on(TICKETS, "entry"),
    intake.KnowledgeEntered: _on(TICKETS, "entry"),
    intake.RestrictionImposed: _on(TICKETS, "case"),
    intake.RestrictionLifted: _on(TICKETS, "case"),
    dispatch.UnitChanged: _on(REFERENCE, "unit"),
    dispatch.OfficerChanged: _on(REFERENCE, "unit"),
    dispatch.CatalogueAmended: _on(REFERENCE, "entry"),
    sla.PolicyActivated: _on(REFERENCE, "policy"),
    sla.CalendarPublished: _on(REFERENCE, "calendar"),
    review.CatalogueChangeProposed: _on(TICKETS, "case"),
    reporting.ReportPublished: _on(TICKETS, "case"),
}
_ANNOUNCED: Mapping[ModuleType, tuple[type[Fact], ...]] = {
    intake: (
        intake.TicketCreated,
        intake.TicketDeclined,
        intake.TicketAnswered,
        intake.TicketTransferred,
        intake.TicketAmended,
        intake.TicketSupplemented,
        intake.TicketUrged,
        intake.TicketWithdrawn,
        intake.TicketMerged,
        intake.TicketAbsorbed,
        intake.AttachmentAdded,
        intake.ClusterDetected,
        intake.PushIssued,
        intake.PushAnswered,
        intake.KnowledgeDue,
        intake.KnowledgeEntered,
        intake.CallbackRecorded,
        intake.RestrictionImposed,
        intake.RestrictionLifted,
    ),
    dispatch: (
        dispatch.Dispatched,
        dispatch.SubAssigned,
        dispatch.SignedIn,
        dispatch.RequesterContacted,
        dispatch.ProgressReported,
        dispatch.ClosingReported,
        dispatch.ClosingSentBack,
        dispatch.Closed,
        dispatch.HandlingStopped,
        dispatch.ClockStopped,
        dispatch.ClockResumed,
        dispatch.StatementSubmitted,
        dispatch.UnitNotified,
        dispatch.Reissued,
        dispatch.Archived,
        dispatch.RulingApplied,
        dispatch.RulingOvertaken,
        dispatch.UnitChanged,
        dispatch.OfficerChanged,
        dispatch.UnitSucceeded,
        dispatch.CatalogueAmended,
    ),
    sla: (
        sla.DeadlineSet,
        sla.DeadlineMoved,
        sla.DeadlineApproaching,
        sla.DeadlineBreached,
        sla.BreachWithdrawn,
        sla.DeadlineMet,
        sla.DeadlineMissed,
        sla.DeadlineStopped,
        sla.DeadlineResumed,
        sla.PolicyActivated,
        sla.PolicyApplied,
        sla.CalendarPublished,
    ),
    review: (
        review.Returned,
        review.ReturnApproved,
        review.ReturnDenied,
        review.ReturnLapsed,
        review.ExtensionRequested,
        review.ExtensionGranted,
        review.ExtensionDenied,
        review.ExtensionLapsed,
        review.ClosingFlagged,
        review.MarkedDifficult,
        review.MarkedShirked,
        review.ConsultationConvened,
        review.OpinionGiven,
        review.MinutesRecorded,
        review.ConsultationConcluded,
        review.Escalated,
        review.EscalationDecided,
        review.SupervisionIssued,
        review.SupervisionReplied,
        review.CallbackJudged,
        review.RepeatRegistered,
        review.NoticeIssued,
        review.CardIssued,
        review.ReferralPrepared,
        review.ReferralSent,
        review.LookBackRecorded,
        review.CatalogueChangeProposed,
    ),
    reporting: (reporting.ReportPublished,),
}


def _entry(owner: str, model: type[Fact]) -> Entry:
    if model in _ELSEWHERE:
        topic, about = _ELSEWHERE[model]
        return Entry(model, owner, topic, about)
    if issubclass(model, WiderFact):
        wide = ("cluster", "entry") if owner == "sla" else ("case",)
        return Entry(model, owner, TICKETS, ("ticket", *wide))
    return Entry(model, owner, *_ON_TICKET)


def _read() -> dict[str, Entry]:
    """The table, or an error that names what a module declares and nobody announces."""
    table: dict[str, Entry] = {}
    for module, models in _ANNOUNCED.items():
        owner = module.__name__.rpartition(".")[2]
        for model in models:
            if model.__name__ in table or model.__module__ != module.__name__:
                raise ValueError(f"{model.__name__} has two owners")
            table[model.__name__] = _entry(owner, model)
        declared = {
            name
            for name, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, Fact)
            and value.__module__ == module.__name__
            and not value.__subclasses__()
        }
        if stray := declared - {model.__name__ for model in models}:
            raise ValueError(f"{owner} declares events that the catalogue does not list: {sorted(stray)}")
    for name, entry in table.items():
        if ("ticket" in entry.about) is not issubclass(entry.model, TicketFact | WiderFact):
            raise ValueError(f"{name} is about a ticket and does not carry it, or the other way round")
        if ("unit" in entry.about) is not issubclass(entry.model, UnitFact):
            raise ValueError(f"{name} is about a unit and does not carry it, or the other way round")
    return table


CATALOGUE: Mapping[str, Entry] = MappingProxyType(_read())
"""Type as written in code (``TicketCreated``) → its entry."""

FOR_THE_CENTRE = frozenset({"ReferralPrepared", "ReferralSent"})
"""What is about a unit and not for it: no unit's feed and no unit's reading of a ticket's story has it."""

BY_WIRE_TYPE: Mapping[str, tuple[str, Entry]] = MappingProxyType(
    {entry.wire_type: (name, entry) for name, entry in CATALOGUE.items()}
)
"""Type as on the wire (``hotline.TicketCreated.v1``) → name and entry."""
