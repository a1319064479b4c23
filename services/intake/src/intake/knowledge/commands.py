"""A policy is to be entered in the knowledge base, and was entered."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from common.clock import new_id
from common.events.intake import KnowledgeDue, KnowledgeEntered
from common.messaging.room import Transaction
from common.policy import Pack
from common.security.access import Principal, jurisdiction_of, require
from common.security.refusals import NotVisible
from common.web.problems import conflict, invalid
from intake.docket import actor_of
from intake.knowledge import store


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy that took or takes effect, and the unit that leads its carrying out."""

    unit: str
    title: str
    level: str
    effective_on: date


async def impose(tx: Transaction, caller: Principal, pack: Pack, wanted: Wanted) -> UUID:
    """The unit owes the entry (双鸭山 第二十五条). 409 ``not_provided`` where the pack knows no such duty; 422."""
    if pack.knowledge is None:
        raise conflict("not_provided", "本地规则没有知识录入的时限。")
    if wanted.level not in pack.knowledge.levels:
        raise invalid("level", "choice", f"可选：{'、'.join(pack.knowledge.levels)}。")
    if jurisdiction_of(wanted.unit) != pack.jurisdiction:
        raise invalid("unit", "jurisdiction", "承办单位不属于该地区。")
    duty = new_id()
    await store.add(
        tx.connection,
        id=duty,
        jurisdiction=pack.jurisdiction,
        policy=pack.version,
        unit=wanted.unit,
        title=wanted.title,
        level=wanted.level,
        effective_on=wanted.effective_on,
        imposed_at=tx.now,
        imposed_by=caller.account,
    )
    tx.announce(
        KnowledgeDue.model_validate(
            {
                "occurred_at": tx.now,
                "accepted_at": tx.now,
                "actor": actor_of(caller),
                "basis": (pack.knowledge.levels[wanted.level].basis,),
                "jurisdiction": pack.jurisdiction,
                "duty": duty,
                "policy": pack.version,
                "unit": wanted.unit,
                "title": wanted.title,
                "level": wanted.level,
                "effective_on": wanted.effective_on,
            }
        ),
        f"entry/{duty}",
    )
    return duty


async def enter(tx: Transaction, caller: Principal, duty: UUID) -> None:
    """The unit has entered the policy. 409 ``entered_already``."""
    row = await store.load(tx.connection, duty, lock=True)
    if row is None:
        raise NotVisible("knowledge.enter")
    require("knowledge.enter", caller, jurisdiction=row["jurisdiction"], holders=(row["unit"],))
    if row["entered_at"] is not None:
        raise conflict("entered_already", "该项政策已经录入知识库。")
    await store.enter(tx.connection, duty, entered_at=tx.now, entered_by=caller.account)
    tx.announce(
        KnowledgeEntered(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor_of(caller),
            jurisdiction=row["jurisdiction"],
            duty=duty,
            policy=row["policy"],
            unit=row["unit"],
        ),
        f"entry/{duty}",
    )
