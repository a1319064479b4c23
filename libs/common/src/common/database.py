"""One service's room in PostgreSQL: its engine, its role, its schema, its migrations."""

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from asyncpg import InternalClientError
from sqlalchemy import TIMESTAMP, MetaData, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

SERVICES = ("intake", "dispatch", "sla", "review", "reporting")
BUS_SCHEMA = "bus"

# Server-side limits: a frozen process must not hold locks, an idle relay must not hold its leadership.
SESSION_SETTINGS = {
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "30s",
    "lock_timeout": "8s",
    "timezone": "UTC",
    "jit": "off",
}

# Seconds until the driver gives up a server that does not answer; the server itself ends a statement before that.
DRIVER_LIMITS = {"timeout": 5, "command_timeout": 35}

# Serialization failure, deadlock, lock not available, the server going away or having become a standby, and whole
# classes: 08 connection, 53 resources (disk full, too many connections). Worth another try, unchanged.
_TRANSIENT_STATES = frozenset(
    {"40001", "40003", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25006", "25P03", "57P05"}
)
_TRANSIENT_CLASSES = ("08", "53")


def metadata() -> MetaData:
    """The MetaData of one service. Its tables carry no schema: the role's search path names it."""
    return MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )


Instant = TIMESTAMP(timezone=True)


def driver_url(url: str) -> URL:
    """The URL with the asyncpg driver; libpq's ``?host=/socket/dir`` spelling is kept."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def room_url(url: str, service: str) -> str:
    """The same database entered as the service's own login role (embedded PostgreSQL, trusted socket)."""
    return make_url(url).set(drivername="postgresql", username=service).render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Database:
    """One service's connections. ``url`` may be the common login: the session then takes the service's role.

    ``single`` is the same pool for statements that stand alone: each is its own transaction, in one round trip where
    ``engine`` takes three.
    """

    service: str
    engine: AsyncEngine
    single: AsyncEngine
    _rush: "_Rush"

    @classmethod
    def open(
        cls,
        url: str,
        service: str,
        *,
        pool_size: int = 5,
        overflow: int = 0,
        session: Mapping[str, str] = SESSION_SETTINGS,
    ) -> "Database":
        """``overflow``: connections beyond the pool, closed after each use. Opening one costs as much as a hundred
        commands: who finds all in use waits a moment instead."""
        target = driver_url(url)
        settings = {"search_path": service, "application_name": f"hotline-{service}", **session}
        if target.username != service:
            settings["role"] = service
        engine = create_async_engine(
            target,
            pool_size=pool_size,
            max_overflow=overflow,
            pool_timeout=5,
            pool_use_lifo=True,
            connect_args={"server_settings": settings, **DRIVER_LIMITS},
        )
        return cls(service, engine, one_by_one(engine), _Rush(engine))

    async def let_go(self, keep: int) -> None:
        """Close connections that were not needed since the last time, down to ``keep``: each costs memory."""
        for _ in range(self._rush.spare(keep)):
            async with self.engine.connect() as idle:
                await idle.invalidate()

    async def close(self) -> None:
        await self.engine.dispose()

    async def alive(self) -> bool:
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("select 1"))
        except (DBAPIError, OSError, TimeoutError):
            return False
        return True


class _Rush:
    """How many connections of a pool were in use at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._pool = cast(QueuePool, engine.pool)
        self._most = 0
        event.listen(engine.sync_engine, "checkout", self._note)

    def _note(self, *_: object) -> None:
        self._most = max(self._most, self._pool.checkedout())

    def spare(self, keep: int) -> int:
        """How many of those that lie idle now were not needed since this was asked last."""
        wanted, self._most = max(keep, self._most), 0
        return min(self._pool.checkedin(), self._pool.checkedin() + self._pool.checkedout() - wanted)


def one_by_one(engine: AsyncEngine) -> AsyncEngine:
    """The same connections without transactions around each statement."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def machine_now(connection: AsyncConnection) -> datetime:
    """Machine time: the database's clock, which decides leases, retries and expiry."""
    found = (await connection.execute(text("select clock_timestamp()"))).scalar_one()
    assert isinstance(found, datetime)
    return found


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed unchanged a moment later."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        # asyncpg may meet the end of a connection in the middle of an answer that it was taking apart.
        lost = error.connection_invalidated or type(error.orig).__name__ == "InternalClientError"
        lost = lost or "connection is closed" in str(error.orig)
        return lost or state in _TRANSIENT_STATES or state.startswith(_TRANSIENT_CLASSES)
    # The last one: the server ended a connection that lay idle, and the driver noticed only now.
    return isinstance(error, OSError | TimeoutError | PoolTimeout | InternalClientError)


async def bootstrap(admin_url: str, services: Iterable[str] = SERVICES) -> None:
    """Create each service's role and schema, once; no role has a right on another's schema.

    A role that exists is left as it is: in production its password is the operator's.
    """
    engine = create_async_engine(driver_url(admin_url))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(hashtext('hotline bootstrap'))"))
            await connection.execute(text("revoke create on schema public from public"))
            await connection.execute(text(f"create schema if not exists {BUS_SCHEMA}"))
            for service in services:
                await connection.execute(
                    text(
                        f"do $$ begin if not exists (select from pg_roles where rolname = '{service}') "
                        f"then create role {service} login; end if; end $$"
                    )
                )
                await connection.execute(text(f"grant {service} to current_user"))
                await connection.execute(text(f"create schema if not exists {service} authorization {service}"))
                await connection.execute(text(f"revoke all on schema {service} from public"))
                await connection.execute(text(f"grant usage on schema {BUS_SCHEMA} to {service}"))
    finally:
        await engine.dispose()


def _versions_folder(service: str) -> Path:
    spec = importlib.util.find_spec(f"{service}.migrations")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"{service} has no migrations")
    return Path(next(iter(spec.submodule_search_locations)))


def _newest(folder: Path) -> str:
    return max(path.stem.split("_", 1)[0] for path in (folder / "versions").glob("[0-9]*.py"))


async def migrated(database: Database) -> bool:
    """Whether the schema stands at the newest migration in the code."""
    newest = _newest(_versions_folder(database.service))
    async with database.engine.connect() as connection:
        there = (await connection.execute(text("select to_regclass('alembic_version')"))).scalar_one()
        if there is None:
            return False
        return bool((await connection.execute(text("select version_num from alembic_version"))).scalar() == newest)


async def migrate(database: Database) -> None:
    """Bring the service's schema to the newest migration; free when it is there already."""
    if await migrated(database):
        return
    from alembic import command  # imported only when there is something to do: it costs start-up time
    from alembic.config import Config

    folder = _versions_folder(database.service)
    config = Config()
    config.set_main_option("script_location", str(folder))

    def upgrade(connection: object) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.begin() as connection:
        await connection.execute(text("set local statement_timeout = '10min'"))
        await connection.execute(text("select pg_advisory_xact_lock(hashtext('hotline migrate'))"))
        await connection.run_sync(upgrade)
