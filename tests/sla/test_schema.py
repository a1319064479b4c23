"""The schema that the migrations make is the one the code reads."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.sla.desk import Desk

from sla.store import METADATA


def differences(connection: Connection) -> list[Any]:
    def ours(_object: object, name: str | None, *_rest: object) -> bool:
        return not (name and (name == "alembic_version" or name.endswith("_rest")))

    context = MigrationContext.configure(connection, opts={"target_metadata": METADATA, "include_object": ours})
    return list(compare_metadata(context, METADATA))


async def test_the_migrations_make_the_tables_that_the_code_reads(bare: Desk) -> None:
    async with bare.service.room.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
