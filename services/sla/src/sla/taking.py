"""A fact takes effect: the ticket's docket and deadlines as they are afterwards, written and announced."""

from common.messaging.room import Transaction

from .announcements import set_of
from .docket import Docket
from .facts import Fact
from .known import Known
from .plan import Rules
from .retelling import taken_in, versions
from .store import (
    CALENDARS,
    SHELF,
    add_deadlines,
    add_fact,
    change_docket,
    facts_of,
    locked_deadlines,
    record,
)


async def take(tx: Transaction, docket: Docket, fact: Fact) -> None:
    """Keep the fact and do what it changes. The docket is locked.

    ``Transient`` while a pack is not here; ``NoCalendar``, ``OutsideCalendar``, ``NoRuleApplies``, ``DecisionUnknown``.
    """
    fact, disturbs = await add_fact(tx.connection, docket.ticket, fact)
    rows = await locked_deadlines(tx.connection, docket.ticket)
    calendar = await CALENDARS.current(tx.connection)
    under = fact.more["to_policy"] if fact.type == "PolicyApplied" else docket.policy
    rules = Rules(await SHELF.version(tx.connection, under), calendar)
    looks_back = fact.type == "RulingApplied" or (fact.type == "SignedIn" and rules.pack.limits.runs_from("signed_in"))
    facts = await facts_of(tx.connection, docket.ticket) if disturbs or looks_back else ()
    earlier = {
        version: Rules(await SHELF.version(tx.connection, version), calendar)
        for version in (versions(docket, facts) if disturbs else ())
    }
    done = taken_in(Known(docket, rows, facts), fact, rules, disturbs=disturbs, earlier=earlier)
    if done.docket != docket:
        await change_docket(tx.connection, done.docket)
    await record(tx, done.docket, done.steps)
    if done.opened:
        await add_deadlines(tx.connection, done.opened)
        tx.announce(set_of(done.docket, done.opened, fact.event, fact.at, tx.now), docket.subject)
        await record(tx, done.docket, done.then)
