"""The clocks of a round stand still, and run again."""

from dataclasses import replace
from uuid import UUID

from common.clock import new_id
from common.events.dispatch import ClockResumed, ClockStopped
from common.messaging.room import Transaction
from common.security.access import Principal
from common.web.problems import Problem, conflict, invalid
from dispatch.docket import SHELF, Docket, acting, fact, keep, moved, require_lead, require_no_blocking_return, take


async def stop(
    tx: Transaction, caller: Principal, ticket: UUID, round: int, ground: str, words: str
) -> tuple[Docket, UUID]:
    """The clocks that the pack names for this ground stand still from now on; the docket and the stop.

    Where the pack wants a reviewer's consent, a reviewer records the stop; where notice is enough, the lead may. 409
    ``not_provided`` where the pack knows no stop, ``clock_stopped`` while one lasts.
    """
    docket = await take(tx, caller, "clock.stop", ticket, round)
    after = moved(docket, "stop_clock")
    pack = await SHELF.version(tx.connection, docket.policy)
    require_lead(docket, caller, pack)
    require_no_blocking_return(docket, "closing", pack)
    grounds = pack.limits.clock_stops
    if grounds is None:
        raise conflict("not_provided", "本地规则没有中止计时。")
    found = grounds.get(ground)
    if found is None:
        known = "、".join(f"{one.code}（{one.label}）" for one in grounds.values())
        raise invalid("ground", "unknown_ground", f"本地规则的中止计时情形为：{known}。")
    if not found.by_unit and caller.role == "unit":
        raise Problem(403, "reviewer_only", "须经同意", "此种情形的中止计时须经审核人员同意。", basis=(found.basis,))
    if docket.clock_stop is not None:
        raise conflict("clock_stopped", "计时已经中止。", basis=(found.basis,))
    assert docket.unit is not None
    stopped = new_id()
    after = replace(after, clock_stop=stopped)
    await keep(tx.connection, after)
    tx.announce(
        ClockStopped(
            **{**fact(tx, after, acting(caller)), "basis": (found.basis,)},
            stop=stopped,
            unit=docket.unit,
            ground=ground,
            text=words,
        ),
        after.subject,
    )
    return after, stopped


async def resume(tx: Transaction, caller: Principal, ticket: UUID, round: int, words: str | None) -> Docket:
    """The clocks run again, with the time that was left. 409 ``clock_runs`` when none stands still."""
    docket = await take(tx, caller, "clock.stop", ticket, round)
    after = moved(docket, "resume_clock")
    require_lead(docket, caller, await SHELF.version(tx.connection, docket.policy))
    if docket.clock_stop is None or docket.unit is None:
        raise conflict("clock_runs", "计时没有中止。")
    stopped, after = docket.clock_stop, replace(after, clock_stop=None)
    await keep(tx.connection, after)
    tx.announce(
        ClockResumed(**fact(tx, after, acting(caller)), stop=stopped, unit=docket.unit, text=words), after.subject
    )
    return after
