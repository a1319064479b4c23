"""Imposing and lifting a restriction."""

from datetime import datetime
from uuid import UUID

from common.basis import Basis
from common.clock import new_id
from common.events.intake import RestrictionImposed, RestrictionLifted
from common.messaging.room import Transaction
from common.policy import Pack
from common.security.access import Principal, require
from common.security.masking import mask, normalise_phone
from common.security.refusals import NotVisible
from common.security.vaulting import KeyRing
from intake.docket import actor_of
from intake.restrictions import store
from intake.restrictions.rules import Restriction, check


class AlreadyRestricted(ValueError):
    """A restriction of the number covers part of that time, until ``ends_at``."""

    def __init__(self, ends_at: datetime) -> None:
        super().__init__("already restricted")
        self.ends_at = ends_at


class OverAlready(ValueError):
    """The restriction was lifted, or its time is over."""


def subject_of(restriction: UUID) -> str:
    return f"case/{restriction}"


def shown(phone: str) -> str:
    """The number as a list shows it: its beginning and its last two digits."""
    digits = "".join(filter(str.isdecimal, normalise_phone(phone).removeprefix("+86")))
    kept = 3 if len(digits) > 8 else 1
    return f"{digits[:kept]}{'*' * (len(digits) - kept - 2)}{digits[-2:]}"


async def impose(
    tx: Transaction,
    caller: Principal,
    keys: KeyRing,
    pack: Pack,
    *,
    phone: str,
    wanted: Restriction,
    approver: str,
    reason: str,
) -> tuple[UUID, tuple[Basis, ...]]:
    """Impose it. ``RestrictionRefused`` or ``AlreadyRestricted`` when it may not be."""
    basis = check(wanted, pack, tx.now)
    phone_index = keys.blind_index("phone", phone)
    await store.lock_number(tx.connection, phone_index)
    standing = await store.overlapping(tx.connection, pack.jurisdiction, phone_index, wanted.starts_at, wanted.ends_at)
    if standing is not None:
        raise AlreadyRestricted(standing)
    restriction = new_id()
    await store.add(
        tx.connection,
        id=restriction,
        jurisdiction=pack.jurisdiction,
        policy=pack.version,
        phone_index=phone_index,
        phone_shown=shown(phone),
        ground=wanted.ground,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        approver=approver,
        reason=mask(reason, phone),
        referred_to_police=wanted.referred_to_police,
        basis=[each.model_dump(mode="json") for each in basis],
        imposed_at=tx.now,
        imposed_by=caller.account,
    )
    tx.announce(
        RestrictionImposed(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor_of(caller),
            basis=basis,
            jurisdiction=pack.jurisdiction,
            case=restriction,
            policy=pack.version,
            ground=wanted.ground,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            approver=approver,
            referred_to_police=wanted.referred_to_police,
        ),
        subject_of(restriction),
    )
    return restriction, basis


async def lift(tx: Transaction, caller: Principal, restriction: UUID, reason: str) -> None:
    """End it before its time. ``OverAlready`` when there is nothing left to lift."""
    row = await store.load(tx.connection, restriction)
    if row is None:
        raise NotVisible("restriction.impose")
    require("restriction.impose", caller, jurisdiction=row["jurisdiction"])
    if row["lifted_at"] is not None or row["ends_at"] <= tx.now:
        raise OverAlready
    masked = mask(reason)
    await store.lift(tx.connection, restriction, at=tx.now, by=caller.account, reason=masked)
    tx.announce(
        RestrictionLifted(
            occurred_at=tx.now,
            accepted_at=tx.now,
            actor=actor_of(caller),
            jurisdiction=row["jurisdiction"],
            case=restriction,
            policy=row["policy"],
            reason=masked,
        ),
        subject_of(restriction),
    )
