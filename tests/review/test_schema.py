"""The schema that the migrations make is the one the code reads."""

import pkgutil
from importlib import import_module
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.conftest import FreshDatabase

import review
from common.database import Database
from review.docket import METADATA


def differences(connection: Connection) -> list[Any]:
    def ours(_object: object, name: str | None, *_rest: object) -> bool:
        return not (name and (name == "alembic_version" or name.endswith("_rest")))

    context = MigrationContext.configure(connection, opts={"target_metadata": METADATA, "include_object": ours})
    return list(compare_metadata(context, METADATA))


async def test_the_migrations_make_the_tables_that_the_code_reads(database: FreshDatabase) -> None:
    for module in pkgutil.walk_packages(review.__path__, "review."):
        if module.name.endswith((".store", ".register")):
            import_module(module.name)
    room = Database.open(database.url("review"), "review")
    async with room.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await room.close()
