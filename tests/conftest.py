"""Real servers for the tests: one embedded PostgreSQL and one Apache Kafka per session, a fresh database per test."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from common.database import SERVICES, Database, bootstrap, driver_url, migrate, room_url
from common.messaging.pglog import create_bus
from hotline import broker as kafka_broker
from hotline import postgres as embedded

_TEMPLATE = "hotline_template"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a server is marked by the fixture it asks for, so that ``make check`` can leave it out."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "postgres" in fixtures:
            item.add_marker(pytest.mark.database)
        if "kafka" in fixtures:
            item.add_marker(pytest.mark.broker)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """A database of this test's own: the bus and every service's schema stand in it, empty."""

    admin_url: str

    def url(self, service: str) -> str:
        """The database entered as the service's own login role."""
        return room_url(self.admin_url, service)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """One server for the session, without fsync."""
    server = embedded.start(tmp_path_factory.mktemp("postgres"), fsync=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def database_template(postgres: embedded.Server) -> str:
    """The name of a database with roles, bus and schemas, which the tests' databases are copied from."""
    await _administer(postgres, f"create database {_TEMPLATE}")
    admin_url = postgres.url(embedded.SUPERUSER, _TEMPLATE)
    await bootstrap(admin_url)
    engine = create_async_engine(driver_url(admin_url))
    await create_bus(engine)
    await engine.dispose()
    for service in SERVICES:
        if find_spec(f"{service}.migrations") is None:
            continue
        database = Database.open(room_url(admin_url, service), service)
        await migrate(database)
        await database.close()
    return _TEMPLATE


@pytest.fixture
async def database(postgres: embedded.Server, database_template: str) -> AsyncIterator[FreshDatabase]:
    """A migrated database that only this test sees."""
    name = f"test_{next(_numbers)}"
    await _administer(postgres, f"create database {name} template {database_template} strategy file_copy")
    yield FreshDatabase(postgres.url(embedded.SUPERUSER, name))
    await _administer(postgres, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real single-node Apache Kafka, one for the session. Topics are the test's to name."""
    broker = kafka_broker.start(tmp_path_factory.mktemp("kafka"))
    yield broker.bootstrap
    broker.stop()


async def _administer(server: embedded.Server, statement: str) -> None:
    connection = await asyncpg.connect(server.url(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
