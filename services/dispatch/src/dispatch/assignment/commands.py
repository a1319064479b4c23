"""派单, 主动认领 and 签收."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from common.clock import local_date
from common.events.dispatch import Answered, Dispatched, Manner, SignedIn
from common.events.vocabulary import Designation, Helper
from common.messaging.room import Transaction
from common.policy.circumstances import Answer
from common.policy.dispatching import Principle
from common.policy.pack import Pack
from common.security.access import Principal
from common.web.problems import FieldError, Problem, conflict, invalid
from dispatch.assignment.rules import (
    AssignmentRefused,
    check_designation,
    check_item,
    check_principle,
    check_territory,
    require_territory,
)
from dispatch.docket import (
    SHELF,
    Docket,
    acting,
    fact,
    keep,
    moved,
    require_lead,
    require_no_blocking_return,
    round_begun,
    take,
)
from dispatch.matter import matter_of
from dispatch.suggestion.rules import AnswerRefused, check_answers, circumstances, decide
from dispatch.suggestion.store import is_working_day
from dispatch.units.rules import Unit, UnitRefused, check_addressees
from dispatch.units.store import above, standing


@dataclass(frozen=True, slots=True)
class Order:
    """To whom a ticket goes, and by which principle. ``remark`` and the designation's reference are masked.

    ``territory``: 属地政府 of the matter, where no holder stands under one. ``item``: of the responsibility catalogue;
    ``answers``: to its questions; ``helpers``: units beside lead and co-handlers in the roles that it gives.
    """

    round: int
    unit: str
    principle: str
    co_handlers: tuple[str, ...] = ()
    designated: bool = False
    designation: Designation | None = None
    remark: str | None = None
    territory: str | None = None
    item: str | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    helpers: tuple[Helper, ...] = ()


async def assign(tx: Transaction, caller: Principal, ticket: UUID, order: Order) -> Docket:
    """Send the ticket to its lead and co-handlers: a new round begins.

    422 names the principle that the pack does not know or the lead does not fit, the unit that does not exist or has
    ended, the designation that does not say whose it is, or the territory that a special matter must be told to.
    """
    docket = await take(tx, caller, "assignment.create", ticket, order.round)
    after = moved(docket, "assign")
    pack = await SHELF.version(tx.connection, docket.policy)
    return await _send(tx, caller, after, order, pack)


async def claim(
    tx: Transaction, caller: Principal, ticket: UUID, round: int, unit: str, territory: str | None = None
) -> Docket:
    """A unit takes a ticket that nobody has yet, by the principle that the pack names.

    409 ``not_provided`` where the pack knows no claims.
    """
    docket = await take(tx, caller, "claim.create", ticket, round)
    after = moved(docket, "claim")
    pack = await SHELF.version(tx.connection, docket.policy)
    claims = pack.dispatching.claims
    if claims is None:
        raise conflict("not_provided", "本地规则没有主动认领。")
    order = Order(round=round, unit=unit, principle=claims.principle, territory=territory)
    return await _send(tx, caller, after, order, pack, claimed=True)


async def _send(
    tx: Transaction, caller: Principal, after: Docket, order: Order, pack: Pack, *, claimed: bool = False
) -> Docket:
    principle = _principle(pack, order.principle)
    await _check(tx, after, order, principle, pack)
    manner = await _manner(tx, order, pack)
    begun = round_begun(
        after,
        tx,
        unit=order.unit,
        co_handlers=order.co_handlers,
        designated=order.designated,
        designation=order.designation,
        territory=order.territory or after.territory,
        item=order.item,
        helpers=order.helpers,
    )
    await keep(tx.connection, begun)
    tx.announce(
        Dispatched(
            **{**fact(tx, begun, acting(caller)), "basis": (principle.basis,)},
            unit=order.unit,
            co_handlers=order.co_handlers,
            principle=principle.code,
            designated=order.designated,
            designation=order.designation,
            claimed=claimed,
            remark=order.remark,
            territory=begun.territory,
            item=order.item,
            answers=tuple(Answered(question=code, answer=said) for code, said in order.answers.items()),
            manner=manner,
            helpers=order.helpers,
        ),
        begun.subject,
    )
    return begun


async def _manner(tx: Transaction, order: Order, pack: Pack) -> Manner | None:
    """How the rows of the item that is named have the matter answered for, as far as the answers tell.

    It is recorded; the dispatcher is not held to it.
    """
    catalogue = pack.catalogue
    if order.item is None or catalogue is None:
        if order.answers:
            raise invalid("answers", "without_item", "责任清单的问题须按某一项回答，请填写编号。")
        return None
    try:
        check_answers(order.answers, catalogue.questions or {})
    except AnswerRefused as refused:
        raise invalid(f"answers.{refused.question}", refused.rule, refused.message) from None
    asks_for_day = catalogue.working_daytime is not None
    working = await is_working_day(tx.connection, local_date(tx.now)) if asks_for_day else None
    return decide(catalogue.items[order.item], circumstances(catalogue, tx.now, working, order.answers)).manner


async def sign_in(tx: Transaction, caller: Principal, ticket: UUID, round: int) -> Docket:
    """The lead signs for the ticket, or a co-handler for its own part; the instant of acceptance counts.

    409 ``already_signed_in`` for a co-handler that has signed in this round.
    """
    docket = await take(tx, caller, "sign_in.create", ticket, round)
    if caller.role == "unit" and caller.unit in docket.co_handlers:
        return await _sign_in_part(tx, caller, docket, caller.unit)
    after = moved(docket, "sign_in")
    pack = await SHELF.version(tx.connection, docket.policy)
    require_lead(docket, caller, pack)
    require_no_blocking_return(docket, "sign_in", pack)
    await keep(tx.connection, after)
    assert after.unit is not None
    tx.announce(SignedIn(**fact(tx, after, acting(caller)), unit=after.unit), after.subject)
    return after


async def _sign_in_part(tx: Transaction, caller: Principal, docket: Docket, unit: str) -> Docket:
    after = moved(docket, "sign_in_part")
    if unit in docket.signed_parts:
        raise conflict("already_signed_in", "本单位在本轮已经签收。")
    after = replace(after, signed_parts=(*docket.signed_parts, unit))
    await keep(tx.connection, after)
    tx.announce(SignedIn(**fact(tx, after, acting(caller)), unit=unit, part="co_handler"), after.subject)
    return after


def _principle(pack: Pack, named: str) -> Principle:
    principle = pack.dispatching.principles.get(named)
    if principle is None:
        known = "、".join(f"{one.code}（{one.label}）" for one in pack.dispatching.principles.values())
        raise invalid("principle", "unknown_principle", f"本地规则的派单原则为：{known}。")
    return principle


async def _check(tx: Transaction, docket: Docket, order: Order, principle: Principle, pack: Pack) -> None:
    named = [("unit", order.unit), *(("co_handlers", code) for code in order.co_handlers)]
    named += [("helpers", helper.unit) for helper in order.helpers]
    found = await standing(tx.connection, {code for _, code in named})
    try:
        check_addressees(named, found, docket.jurisdiction, local_date(tx.now))
        check_designation(order.designated, order.designation)
        check_item(pack.catalogue, order.item, order.helpers, found, local_date(tx.now))
        higher = await above(tx.connection, order.unit) if principle.below_kinds else ()
        check_principle(principle, pack.unit_kinds, found[order.unit].kind, {unit.kind for unit in higher})
        await _check_territory(tx, docket, order, pack, found)
    except UnitRefused as refusal:
        raise invalid(refusal.field, refusal.rule, refusal.message) from None
    except AssignmentRefused as refusal:
        fields = (FieldError(refusal.field, refusal.rule, refusal.message),)
        raise Problem(
            422, "invalid_input", "输入有误", "有字段不符合要求。", fields=fields, basis=refusal.basis
        ) from None


async def _check_territory(
    tx: Transaction, docket: Docket, order: Order, pack: Pack, holders: Mapping[str, Unit]
) -> None:
    """属地政府 is known of every matter that it must be told of (双鸭山 第十七条)."""
    if order.territory is not None:
        there = await standing(tx.connection, (order.territory,))
        check_addressees([("territory", order.territory)], there, docket.jurisdiction, local_date(tx.now))
        check_territory(pack.notices, pack.unit_kinds, there[order.territory].kind)
        return
    matter = await matter_of(tx.connection, docket.ticket)
    if matter is None or not matter.marks or docket.territory is not None:
        return
    kinds = {unit.kind for unit in holders.values()}
    for holder in holders:
        kinds.update(unit.kind for unit in await above(tx.connection, holder))
    require_territory(pack.notices, pack.unit_kinds, matter.marks, kinds)
