"""Gathering tickets into a cluster, and the unit's answer to it."""

from dataclasses import dataclass
from uuid import UUID

from common.basis import Basis
from common.clock import local_date, new_id
from common.events.dispatch import Dispatched
from common.events.envelope import Actor
from common.events.intake import ClusterDetected, PushAnswered, PushIssued
from common.messaging.room import Transaction
from common.policy import Pack
from common.security.access import Principal, require
from common.security.masking import mask
from common.security.refusals import NotVisible
from intake.clusters import store
from intake.clusters.rules import Gathered, counts, gathered
from intake.docket import SHELF, actor_of

BY_RULE = Actor(role="system")


class AlreadyAnswered(ValueError):
    """The unit's answer to the cluster stands; ``basis`` is why the cluster was shown."""

    def __init__(self, basis: tuple[Basis, ...]) -> None:
        super().__init__("already answered")
        self.basis = basis


def subject_of(cluster: UUID) -> str:
    return f"cluster/{cluster}"


async def gather(tx: Transaction, pack: Pack, dispatched: Dispatched) -> None:
    """A unit got a ticket, and the docket says so already. It joins the open cluster of its category and unit; without
    one, it may be the ticket that opens it. A ticket of an earlier cluster of both is not counted again."""
    section = pack.clusters
    found = await store.demand_of(tx.connection, dispatched.ticket) if section else None
    if section is None or found is None or not counts(section, found[0].type):
        return
    (demand, category), unit, at = found, dispatched.unit, dispatched.occurred_at
    standing = await store.open_at(tx.connection, unit, category, at)
    if standing is None:
        await store.lock(tx.connection, unit, category)
        standing = await store.open_at(tx.connection, unit, category, at)  # another may have opened it meanwhile
    if standing is not None:
        if demand.received_at >= standing["starts_at"]:
            await store.join(tx.connection, standing["id"], (demand.ticket,))
        return
    together = gathered(section, await store.uncounted(tx.connection, unit, category, section.since(at)), at)
    if together is not None:
        await _open(tx, pack, dispatched, category, together)


async def _open(tx: Transaction, pack: Pack, dispatched: Dispatched, category: str, together: Gathered) -> None:
    cluster = new_id()
    tickets = tuple(demand.ticket for demand in together.demands)
    await store.add(
        tx.connection,
        id=cluster,
        jurisdiction=pack.jurisdiction,
        policy=pack.version,
        unit=dispatched.unit,
        category=category,
        starts_at=together.starts_at,
        ends_at=together.ends_at,
        basis=[each.model_dump(mode="json") for each in together.basis],
        detected_at=tx.now,
    )
    await store.join(tx.connection, cluster, tickets)
    tx.announce(
        ClusterDetected(
            occurred_at=dispatched.occurred_at,
            accepted_at=tx.now,
            actor=BY_RULE,
            basis=together.basis,
            jurisdiction=pack.jurisdiction,
            cluster=cluster,
            policy=pack.version,
            category=category,
            place=category,  # addresses are free text; what these tickets are known to share is their category
            tickets=tickets,
            count=len(tickets),
            window_from=together.starts_at,
            window_to=together.ends_at,
            unit=dispatched.unit,
        ),
        subject_of(cluster),
    )


class NoPushes(LookupError):
    """The pack knows no push."""


class NotOfPack(ValueError):
    """The pack lists no such ``field``; ``known`` are its own."""

    def __init__(self, field: str, known: tuple[str, ...]) -> None:
        super().__init__(field)
        self.field = field
        self.known = known


@dataclass(frozen=True, slots=True)
class Push:
    """预警信息推送单. ``content`` is masked."""

    reason: str
    level: str
    content: str
    co_handlers: tuple[str, ...] = ()


async def push(tx: Transaction, caller: Principal, cluster: UUID, wanted: Push) -> tuple[UUID, str, int]:
    """Push a cluster to its unit (真如 三（五）): the push, its number, the how-manieth it is of the cluster.

    ``NotVisible``, ``NoPushes``, ``NotOfPack``.
    """
    row = await store.load(tx.connection, cluster, lock=True)
    if row is None:
        raise NotVisible("cluster.push")
    require("cluster.push", caller, jurisdiction=row["jurisdiction"])
    section = (await SHELF.version(tx.connection, row["policy"])).clusters
    if section is None or section.pushes is None:
        raise NoPushes
    for field, code, known in (
        ("reason", wanted.reason, section.pushes.reasons),
        ("level", wanted.level, section.pushes.levels),
    ):
        if code not in known:
            raise NotOfPack(field, tuple(known))
    issued, times = new_id(), len(await store.pushes_of(tx.connection, cluster)) + 1
    number = await store.add_push(
        tx.connection,
        row["jurisdiction"],
        local_date(tx.now).year,
        id=issued,
        cluster=cluster,
        times_pushed=times,
        reason=wanted.reason,
        level=wanted.level,
        content=wanted.content,
        pushed_at=tx.now,
        pushed_by=caller.account,
    )
    tickets = await store.tickets_of(tx.connection, cluster)
    tx.announce(
        PushIssued.model_validate(
            {
                "occurred_at": tx.now,
                "accepted_at": tx.now,
                "actor": actor_of(caller),
                "basis": (section.pushes.basis,),
                "jurisdiction": row["jurisdiction"],
                "cluster": cluster,
                "push": issued,
                "number": number,
                "policy": row["policy"],
                "unit": row["unit"],
                "co_handlers": wanted.co_handlers,
                "tickets": tuple(ticket["id"] for ticket in tickets),
                "count": len(tickets),
                "channels": await store.channels_of(tx.connection, cluster),
                "content": wanted.content,
                "reason": wanted.reason,
                "level": wanted.level,
                "times_pushed": times,
            }
        ),
        subject_of(cluster),
    )
    return issued, number, times


async def answer(tx: Transaction, caller: Principal, cluster: UUID, text: str, measure: str) -> str:
    """Keep what the unit found and its measure, or what it answers to all that was pushed; returns the unit.
    ``AlreadyAnswered`` when it has answered and nothing was pushed since."""
    row = await store.load(tx.connection, cluster, lock=True)
    if row is None:
        raise NotVisible("cluster.answer")
    require("cluster.answer", caller, jurisdiction=row["jurisdiction"], holders=(row["unit"],))
    pushes = await store.pushes_of(tx.connection, cluster)
    pushed = [each["id"] for each in pushes if each["answered_at"] is None]
    if row["answered_at"] is not None and not pushed:
        raise AlreadyAnswered(tuple(Basis.model_validate(each) for each in row["basis"]))
    text, measure = mask(text), mask(measure)
    await store.keep_answer(
        tx.connection, cluster, answered_at=tx.now, answered_by=caller.account, text=text, measure=measure
    )
    for one in pushed:
        await store.answer_push(tx.connection, one, tx.now)
    # Where no sheet was pushed, the cluster is what the unit was shown.
    for answered in pushed or [cluster]:
        told = PushAnswered(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor_of(caller),
            jurisdiction=row["jurisdiction"],
            cluster=cluster,
            push=answered,
            policy=row["policy"],
            unit=row["unit"],
            text=text,
            measure=measure,
        )
        tx.announce(told, subject_of(cluster))
    return str(row["unit"])
