"""Limits of a situation that does not exist, each as it would be explained."""

from typing import Annotated, Literal, Self, cast

from fastapi import APIRouter
from pydantic import Field, model_validator

from common.basis import Basis
from common.calendar import AllowanceRefused, NoCalendar, OutsideCalendar
from common.calendar.reckon import Unit
from common.events.envelope import Jurisdiction
from common.events.vocabulary import DeadlineKind, ImposedLimit, LegalLimit, Limit, Slug, TicketType
from common.events.wording import DEADLINE_WORDS
from common.messaging.room import Room
from common.policy import NoPackInForce, Pack, Situation
from common.security.access import require
from common.security.bearer import Caller
from common.web.inputs import ApiModel, Instant, Text
from common.web.problems import Problem, invalid
from sla.plan import NoRuleApplies, Rules, Ruling
from sla.previewing import (
    Expected,
    Prolonged,
    SituationUntold,
    StoodStill,
    Supposed,
    expected,
    grounds_that_stop,
    prolongs,
)
from sla.store import CALENDARS, SHELF

from .explaining import Explained, exempt, explained_counting


class SpanGiven(ApiModel):
    amount: Annotated[int, Field(ge=1, le=10_000)]
    unit: Unit

    def limit(self) -> Limit:
        return Limit(amount=self.amount, unit=self.unit)


class SpanOrInstant(ApiModel):
    """How long, or until when: exactly one of the two."""

    limit: SpanGiven | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.limit is None) == (self.until is None):
            raise ValueError("limit or until, exactly one of the two")
        return self

    def imposed(self, basis: Basis) -> ImposedLimit:
        return ImposedLimit(limit=self.limit.limit() if self.limit else None, due_at=self.until, basis=basis)


class ExtensionGiven(SpanOrInstant):
    kind: Literal["ordinary", "special"] = "ordinary"

    def prolonged(self) -> Prolonged:
        return Prolonged(self.limit.limit() if self.limit else None, self.until, self.kind)


class PauseGiven(ApiModel):
    """A stop of the clock; without ``resumed_at`` it still stands."""

    ground: Slug
    stopped_at: Instant
    resumed_at: Instant | None = None


class SituationGiven(ApiModel):
    type: TicketType | None = None
    channel: Slug | None = None
    category: Annotated[str, Text(200)] | None = None
    marks: Annotated[tuple[Slug, ...], Field(max_length=20)] = ()
    round: Annotated[int, Field(ge=1, le=1000)] = 1
    anonymous: bool = False
    has_contact: bool = True
    confidential: bool = False
    co_handlers: Annotated[int, Field(ge=0, le=100)] = 0
    legal_limit: LegalLimit | None = None
    imposed_limit: SpanOrInstant | None = None
    imposed_whole_limit: SpanOrInstant | None = None
    concluded_limit: SpanGiven | None = None

    def situation(self) -> Situation:
        return Situation(
            self.type,
            self.channel,
            self.category,
            None,
            frozenset(self.marks),
            self.round,
            anonymous=self.anonymous,
            contact=self.has_contact,
            confidential=self.confidential,
            co_handlers=self.co_handlers,
        )


class Preview(ApiModel):
    """A situation that does not exist. ``from``: the instant of the fact that the limit runs from, whichever that is.

    Without ``kind``: every kind of the pack, each from its own fact at that instant.
    """

    jurisdiction: Jurisdiction
    kind: DeadlineKind | None = None
    from_: Annotated[Instant, Field(alias="from")]
    situation: SituationGiven = SituationGiven()
    received_at: Instant | None = None
    registered_at: Instant | None = None
    promised_at: Instant | None = None
    extensions: Annotated[tuple[ExtensionGiven, ...], Field(max_length=10)] = ()
    pauses: Annotated[tuple[PauseGiven, ...], Field(max_length=10)] = ()


class Previewed(Explained):
    """``runs_from``: the fact it runs from, as the pack calls it; null where the pack does not know the kind."""

    runs_from: str | None = None


class AllPreviewed(ApiModel):
    """Every kind that the pack knows; a promise only where a date is given."""

    policy: str
    items: tuple[Previewed, ...]


def add_previews(api: APIRouter, room: Room) -> None:
    @api.post("/deadline-previews")
    async def preview_deadline(wanted: Preview, caller: Caller) -> Previewed | AllPreviewed:
        """假设情形下的时限，不登记任何事项；不指明种类的，为全部种类."""
        require("deadlines.preview", caller, jurisdiction=wanted.jurisdiction)
        try:
            pack = await SHELF.in_force(room.database, wanted.jurisdiction, wanted.from_)
        except NoPackInForce as none:
            field, rule_name = ("from", "no_policy") if none.known else ("jurisdiction", "unknown")
            raise invalid(field, rule_name, "该地区在所述时间没有施行的规则。") from none
        async with room.database.engine.connect() as connection:
            try:
                calendar = await CALENDARS.current(connection)
            except NoCalendar as absent:
                raise _beyond() from absent
        told = previewed(Rules(pack, calendar), wanted)
        return told[0] if wanted.kind is not None else AllPreviewed(policy=pack.version, items=told)


def previewed(rules: Rules, wanted: Preview) -> tuple[Previewed, ...]:
    """The limits that were asked for. ``Problem`` names field and rule of what cannot be."""
    kinds = None if wanted.kind is None else (wanted.kind,)
    supposed = _supposed(rules, wanted)
    try:
        found = expected(rules, supposed, kinds)
        return tuple(_explained(rules, one) for one in found)
    except SituationUntold as untold:
        named = {"type": "诉求类型", "channel": "受理渠道"}[untold.field]
        words = DEADLINE_WORDS.get(cast(DeadlineKind, untold.kind), untold.kind)
        raise invalid(f"situation.{untold.field}", "required", f"“{words}”的时限因{named}而不同，请写明。") from untold
    except NoRuleApplies as silent:
        said = "required" if wanted.situation.type is None else "no_rule"
        raise invalid("situation.type", said, "规则没有适用于所述情形的此项时限；请写明诉求类型。") from silent
    except (NoCalendar, OutsideCalendar, AllowanceRefused) as beyond:
        raise _beyond() from beyond


def _beyond() -> Problem:
    return invalid("from", "outside_calendar", "日历不包括所述时间。")


def _explained(rules: Rules, one: Expected) -> Previewed:
    pack, calendar, row = rules.pack, rules.calendar, one.deadline
    if row is None:
        rule = Ruling(one.kind, one.runs_from, None, one.basis) if one.runs_from is not None else None
        told = exempt(one.kind, pack, rule)
    else:
        counted = explained_counting(row.kind, row.basis, row.counting, row.anchor.at, calendar, pack.version)
        told = counted.model_copy(update={"warn_at": row.warn_at, "anchor": row.anchor})
    return Previewed(**{name: getattr(told, name) for name in Explained.model_fields}, runs_from=one.runs_from)


def _supposed(rules: Rules, wanted: Preview) -> Supposed:
    given, pack = wanted.situation, rules.pack
    _require_known(pack, given)
    if wanted.kind == "promised" and wanted.promised_at is None and "promised" in pack.limits.kinds():
        raise invalid("promised_at", "required", "请写明承诺的日期。")
    if wanted.kind is not None and wanted.extensions and wanted.kind not in prolongs(rules):
        raise invalid("extensions", "not_extended", "此项时限不因延期变动。")
    _require_stops(rules, wanted)
    return Supposed(
        situation=given.situation(),
        at=wanted.from_,
        received_at=wanted.received_at,
        registered_at=wanted.registered_at,
        promised_at=wanted.promised_at,
        legal_limit=given.legal_limit,
        imposed_limit=_imposed(pack, "imposed_limit", given.imposed_limit),
        imposed_whole=_imposed(pack, "imposed_whole_limit", given.imposed_whole_limit),
        concluded=_concluded(pack, given.concluded_limit),
        extensions=tuple(one.prolonged() for one in wanted.extensions),
        pauses=tuple(StoodStill(one.ground, one.stopped_at, one.resumed_at) for one in wanted.pauses),
    )


def _require_known(pack: Pack, given: SituationGiven) -> None:
    if given.type is not None and given.type not in pack.ticket.types:
        raise invalid("situation.type", "not_in_pack", "该地区的规则没有此诉求类型。")
    if given.channel is not None and given.channel not in pack.ticket.channels:
        raise invalid("situation.channel", "not_in_pack", "该地区的规则没有此受理渠道。")
    if not set(given.marks) <= set(pack.ticket.marks):
        raise invalid("situation.marks", "not_in_pack", "该地区的规则没有此标记。")


def _require_stops(rules: Rules, wanted: Preview) -> None:
    known, of_kind = set(grounds_that_stop(rules, None)), set(grounds_that_stop(rules, wanted.kind))
    for place, pause in enumerate(wanted.pauses):
        if pause.ground not in known:
            raise invalid(f"pauses.{place}.ground", "not_in_pack", "该地区的规则没有此停止计时的情形。")
        if pause.ground not in of_kind:
            raise invalid(f"pauses.{place}.ground", "not_stopped", "此情形不停止此项时限。")
        if pause.resumed_at is not None and pause.resumed_at < pause.stopped_at:
            raise invalid(f"pauses.{place}.resumed_at", "before_stop", "恢复计时不得早于停止计时。")


def _imposed(pack: Pack, field: str, given: SpanOrInstant | None) -> ImposedLimit | None:
    if given is None:
        return None
    if pack.limits.imposed_limits is None:
        raise invalid(f"situation.{field}", "not_in_pack", "该地区的规则没有上级平台确定的时限。")
    return given.imposed(pack.limits.imposed_limits.basis)


def _concluded(pack: Pack, given: SpanGiven | None) -> Limit | None:
    if given is not None and pack.limits.concluded_limits is None:
        raise invalid("situation.concluded_limit", "not_in_pack", "该地区的规则没有结论确定的时限。")
    return given.limit() if given is not None else None
