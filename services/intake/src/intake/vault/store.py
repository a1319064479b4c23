"""The vault: a requester's name, number and own words, each sealed for its own place."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, Table, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

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
