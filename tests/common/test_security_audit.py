"""Every look at personal data leaves a row that nobody changes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from common.database import Database, bootstrap, metadata, room_url
from common.security.access import Principal
from common.security.audit import CREATE_AUDIT, Look, audit_table, record
from hotline import postgres as embedded

DECLARED = metadata()
AUDIT = audit_table(DECLARED)
UNIT = Principal("officer-7", "unit", "shuangyashan.chengguan", "shuangyashan")
AT = datetime(2025, 9, 26, 8, 0, tzinfo=UTC)


@pytest.fixture
async def intake(postgres: embedded.Server) -> AsyncIterator[Database]:
    admin = await asyncpg.connect(postgres.url(embedded.SUPERUSER, "postgres"))
    await admin.execute("create database audit")
    await bootstrap(postgres.url(embedded.SUPERUSER, "audit"))
    opened = Database.open(room_url(postgres.url(embedded.SUPERUSER, "audit"), "intake"), "intake")
    async with opened.engine.begin() as connection:
        for statement in CREATE_AUDIT:
            await connection.execute(text(statement))
    yield opened
    await opened.close()
    await admin.execute("drop database audit with (force)")
    await admin.close()


async def test_a_look_is_recorded_once_and_for_ever(intake: Database) -> None:
    looks = [Look(AT, "contact.reveal", f"ticket/{number}", "回访核实", "shown") for number in (1, 2)]
    async with intake.engine.begin() as connection:
        await record(connection, AUDIT, UNIT, *looks)
        await record(connection, AUDIT, UNIT)
    async with intake.engine.connect() as connection:
        rows = (await connection.execute(select(AUDIT).order_by(AUDIT.c.id))).all()
    assert [(row.at, row.account, row.role, row.unit, row.object, row.purpose, row.outcome) for row in rows] == [
        (AT, "officer-7", "unit", "shuangyashan.chengguan", f"ticket/{number}", "回访核实", "shown")
        for number in (1, 2)
    ]
    for change in ("update audit set purpose = ''", "delete from audit", "truncate audit"):
        with pytest.raises(DBAPIError, match="only added to"):
            async with intake.engine.begin() as connection:
                await connection.execute(text(change))


async def test_the_declared_audit_is_the_created_one(intake: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), DECLARED))

    async with intake.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
