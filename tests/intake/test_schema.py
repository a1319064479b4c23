"""The migrations make the schema that the code describes."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from tests.intake.centre import Centre

import intake.callbacks.store
import intake.clusters.store
import intake.registration.store
import intake.restrictions.store
import intake.vault.store  # noqa: F401 - they add their tables
from common.migration import _PARTITION
from intake.docket import METADATA


def _differences(connection: Connection) -> list[object]:
    def include(_object: object, name: str | None, *_: object) -> bool:
        return not (name and (_PARTITION.search(name) or name == "alembic_version"))

    return list(compare_metadata(MigrationContext.configure(connection, opts={"include_object": include}), METADATA))


async def test_the_migrated_schema_is_the_one_in_the_code(bare: Centre) -> None:
    async with bare.service.room.database.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
