"""The vault: a requester's name, number and own words, each sealed for its own place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, Table, Text, insert, select, update
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from common.clock import new_id
from common.database import Instant
from common.security.vaulting import KeyRing
from intake.docket import METADATA

VAULT = Table(
    "vault",
    METADATA,
    Column("ticket", PgUUID, primary_key=True),
    Column("name", LargeBinary),
    Column("phone", LargeBinary),
    Column("phone_index", LargeBinary, comment="blind index of the normalised number"),
    Column("statement", LargeBinary, comment="the original words"),
    Column("address", LargeBinary, comment="the original words"),
)
Index("vault_phone_index_idx", VAULT.c.phone_index, VAULT.c.ticket, postgresql_where=VAULT.c.phone_index.is_not(None))

SPOKEN = Table(
    "spoken",
    METADATA,
    Column("id", PgUUID, primary_key=True),
    Column("ticket", PgUUID, nullable=False),
    Column("kind", Text, nullable=False, comment="supplement, urging, withdrawal, or the address before an amendment"),
    Column("text", LargeBinary, nullable=False, comment="the original words"),
    Column("accepted_at", Instant, nullable=False),
)
Index("spoken_ticket_idx", SPOKEN.c.ticket, SPOKEN.c.id)

FIELDS: Final = ("name", "phone", "statement", "address")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A row of the vault."""

    name: bytes | None
    phone: bytes | None
    phone_index: bytes | None
    statement: bytes | None
    address: bytes | None


def seal(
    keys: KeyRing, ticket: UUID, *, name: str | None, phone: str | None, statement: str | None, address: str | None
) -> Sealed:
    """Seal what a requester said for that ticket's row. ``NotAPhone`` when ``phone`` is none."""

    def shut(column: str, text: str | None) -> bytes | None:
        return None if text is None else keys.encrypt("vault", column, ticket, text)

    return Sealed(
        name=shut("name", name),
        phone=shut("phone", phone),
        phone_index=None if phone is None else keys.blind_index("phone", phone),
        statement=shut("statement", statement),
        address=shut("address", address),
    )


async def open_fields(
    connection: AsyncConnection, keys: KeyRing, tickets: tuple[UUID, ...], fields: tuple[str, ...]
) -> dict[UUID, dict[str, str | None]]:
    """Those fields of those tickets, opened."""
    columns = [VAULT.c[field] for field in fields]
    rows = await connection.execute(select(VAULT.c.ticket, *columns).where(VAULT.c.ticket.in_(tickets)))
    return {
        row["ticket"]: {
            field: None if row[field] is None else keys.decrypt("vault", field, row["ticket"], row[field])
            for field in fields
        }
        for row in rows.mappings()
    }


async def requester_of(connection: AsyncConnection, keys: KeyRing, ticket: UUID) -> tuple[str | None, str | None]:
    """The requester's own name and number, for what must not be shown of a text."""
    own = (await open_fields(connection, keys, (ticket,), ("name", "phone"))).get(ticket, {})
    return own.get("name"), own.get("phone")


async def keep_words(
    connection: AsyncConnection, keys: KeyRing, ticket: UUID, kind: str, words: str, at: datetime
) -> None:
    """Seal what was said after the registration."""
    place = new_id()
    sealed = keys.encrypt("spoken", "text", place, words)
    await connection.execute(
        insert(SPOKEN).values({"id": place, "ticket": ticket, "kind": kind, "text": sealed, "accepted_at": at})
    )


async def replace_address(connection: AsyncConnection, keys: KeyRing, ticket: UUID, address: str) -> None:
    sealed = keys.encrypt("vault", "address", ticket, address)
    await connection.execute(update(VAULT).where(VAULT.c.ticket == ticket).values(address=sealed))


@dataclass(frozen=True, slots=True)
class Words:
    """What was said after the registration, opened."""

    kind: str
    text: str
    accepted_at: datetime


async def further_words(
    connection: AsyncConnection, keys: KeyRing, tickets: tuple[UUID, ...]
) -> Mapping[UUID, list[Words]]:
    """Everything that was said of those tickets after their registration, in its order."""
    found: dict[UUID, list[Words]] = {}
    rows = await connection.execute(select(SPOKEN).where(SPOKEN.c.ticket.in_(tickets)).order_by(SPOKEN.c.id))
    for row in rows.mappings():
        opened = keys.decrypt("spoken", "text", row["id"], row["text"])
        found.setdefault(row["ticket"], []).append(Words(row["kind"], opened, row["accepted_at"]))
    return found
