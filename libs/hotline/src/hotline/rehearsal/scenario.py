"""A scenario: one story and what must come of it, topic by topic."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, TypeAdapter

from common.calendar import OutsideCalendar, WorkingCalendar
from common.policy import Pack
from common.policy.limits import Kind, Span
from common.policy.ruled import Code, Part, Words
from hotline.rehearsal.accountability import Finding, NoticeOfKind
from hotline.rehearsal.callbacks import CallbackAnswered, RatesCounted
from hotline.rehearsal.clocks import ExpectedDeadline, Fact, OwnLimitMoves, Redo
from hotline.rehearsal.clusters import ClusterGathered
from hotline.rehearsal.consultations import ConsultationConvened, Escalated
from hotline.rehearsal.dispatching import AssignedBy, LawExplained, Stopped
from hotline.rehearsal.extensions import ExtensionRequested
from hotline.rehearsal.force import InForce
from hotline.rehearsal.notices import NoticesSent
from hotline.rehearsal.registration import Registration
from hotline.rehearsal.restrictions import RestrictionWanted
from hotline.rehearsal.returns import ReturnFiled
from hotline.rehearsal.stage import Expectation, HandedDown, LawLimit, Several, SituationShape, Stage, Untold, compare
from hotline.rehearsal.standing import ClockStopped
from hotline.rehearsal.suggestions import ItemsPrinted, Suggestion
from hotline.rehearsal.supervision import LimitComesNear, SupervisionByHand
from hotline.rehearsal.units import UnitEntered
from hotline.rehearsal.vocabulary import ListRead, Values


class Scenario(Part):
    """``words`` tell the story. ``situation``, ``received_at`` (the report), ``registered_at`` (its acceptance),
    ``dispatched_at`` and the limits of its own are its ticket, where it has one; everything else is expected.

    ``readings``: what would come of it, if of the value at that place another reading than the pack's were in force.
    """

    words: Words
    readings: Annotated[Mapping[Words, Code], Field(min_length=1)] | None = None
    situation: SituationShape | None = None
    received_at: AwareDatetime | None = None
    registered_at: AwareDatetime | None = None
    dispatched_at: AwareDatetime | None = None
    legal_limit: LawLimit | None = None
    imposed_limit: HandedDown | None = None
    imposed_whole: HandedDown | None = None
    concluded_limit: Span | None = None

    deadlines: Annotated[Mapping[Kind, ExpectedDeadline], Field(min_length=1)] | None = None
    facts: tuple[Fact, ...] = ()
    redo: Several[Redo] = ()
    returned: Several[ReturnFiled] = Field(default=(), alias="return")
    registration: Several[Registration] = ()
    callback: Several[CallbackAnswered] = ()
    rates: Several[RatesCounted] = ()
    unit: Several[UnitEntered] = ()
    assigned: Several[AssignedBy] = ()
    stopped: Several[Stopped] = ()
    law_explained: Several[LawExplained] = ()
    extension: Several[ExtensionRequested] = ()
    supervision: Several[SupervisionByHand] = ()
    near_limit: Several[LimitComesNear] = ()
    consultation: Several[ConsultationConvened] = ()
    escalation: Several[Escalated] = ()
    finding: Several[Finding] = ()
    notice_kind: Several[NoticeOfKind] = ()
    notices: Several[NoticesSent] = ()
    restriction: Several[RestrictionWanted] = ()
    cluster: Several[ClusterGathered] = ()
    suggestion: Several[Suggestion] = ()
    items_printed: Several[ItemsPrinted] = ()
    own_limit: Several[OwnLimitMoves] = ()
    clock_stop: Several[ClockStopped] = ()
    in_force: Several[InForce] = ()
    lists: Several[ListRead] = ()
    values: Several[Values] = ()
    closes_at_once: bool | None = None

    def expectations(self) -> Iterator[Expectation]:
        """What the topics expect, in the order of their fields."""
        for name in type(self).model_fields:
            found = getattr(self, name)
            if isinstance(found, tuple):
                yield from (one for one in found if isinstance(one, Expectation))


def read_otherwise(pack: Pack, readings: Mapping[str, str]) -> Pack:
    """The pack with these readings in force, by the place of their value. ``Untold`` when it has no such reading."""
    content = pack.dump()
    titles = {code: document.title for code, document in pack.documents.items()}
    for place, code in readings.items():
        section, *steps = place.split(".")
        try:
            kind: Any = Pack.model_fields[section].annotation
            value: Any = content[section]
            for step in steps:
                value = value[int(step) if isinstance(value, list) else step]
            value["in_force"] = value["readings"][code] and code
            read = TypeAdapter(kind).validate_python(
                content[section], context={"titles": titles, "main": pack.main_document}
            )
        except (LookupError, TypeError, ValueError):
            raise Untold(f"{place} has no reading {code!r}") from None
        pack = pack.model_copy(update={section: read})
    return pack


def rehearse(scenario: Scenario, pack: Pack, calendar: WorkingCalendar) -> Iterator[str]:
    """What does not come out as the scenario says, one sentence each; nothing when all of it does."""
    try:
        yield from _differences(scenario, _stage(scenario, pack, calendar))
    except (OutsideCalendar, Untold) as stopped:
        yield str(stopped)


def _stage(scenario: Scenario, pack: Pack, calendar: WorkingCalendar) -> Stage:
    return Stage(
        pack if scenario.readings is None else read_otherwise(pack, scenario.readings),
        calendar,
        scenario.situation,
        scenario.dispatched_at,
        scenario.legal_limit.limit() if scenario.legal_limit else None,
        scenario.imposed_limit.limit() if scenario.imposed_limit else None,
        scenario.concluded_limit,
        scenario.imposed_whole.limit() if scenario.imposed_whole else None,
        scenario.received_at,
        scenario.registered_at,
    )


def _differences(scenario: Scenario, stage: Stage) -> Iterator[str]:
    for kind, deadline in (scenario.deadlines or {}).items():
        yield from deadline.differences(kind, stage)
    for fact in scenario.facts:
        yield from fact.differences(stage)
    for expectation in scenario.expectations():
        yield from expectation.differences(stage)
    if scenario.closes_at_once is not None:
        at_once = not stage.pack.closing.check
        yield from compare("a closing report closes the ticket at once", scenario.closes_at_once, at_once)
