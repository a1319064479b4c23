"""Opening what the settings name: bus, trust, rooms."""

from sqlalchemy.ext.asyncio import create_async_engine

from common.clock import Clock
from common.database import BUS_SCHEMA, DRIVER_LIMITS, driver_url, room_url
from common.messaging.bus import PARTITIONS, Bus
from common.messaging.pglog import PgLog
from common.messaging.wakeup import Bell
from common.runtime.patience import when_reachable
from common.runtime.service import NoticeGateway, Surroundings
from common.runtime.settings import Settings
from common.security.signatures import read_key
from common.security.tokens import TokenVerifier


def open_bus(settings: Settings, bell: Bell, service: str) -> Bus:
    """The bus the settings name: Kafka, or the log in the same database, entered as ``service``."""
    if settings.bus:
        scheme, _, servers = settings.bus.partition("://")
        if scheme != "kafka" or not servers:
            raise ValueError(f"HOTLINE_BUS is {settings.bus!r}; it must be kafka://host:port[,host:port] or empty")
        from common.messaging.kafka import Kafka

        return Kafka(servers.rstrip("/"), replication=settings.bus_replication)
    url = driver_url(settings.database_of(service))
    engine = create_async_engine(
        url,
        pool_size=6,
        max_overflow=9,
        connect_args={
            "server_settings": {
                "application_name": "hotline-bus",
                "search_path": BUS_SCHEMA,
                "statement_timeout": "30s",
                "idle_in_transaction_session_timeout": "10s",
                "jit": "off",
            },
            **DRIVER_LIMITS,
        },
    )
    return PgLog(engine, bell)


async def surroundings(settings: Settings, clock: Clock, service: str, *, login_per_service: bool) -> Surroundings:
    """Everything a service needs to be built. ``login_per_service``: one URL serves all, each with its own login."""
    bell = Bell()
    bus = open_bus(settings, bell, service)
    await when_reachable("bus", lambda: bus.ensure_topics(PARTITIONS))

    def database_of(name: str) -> str:
        url = settings.database_of(name)
        return room_url(url, name) if login_per_service else url

    return Surroundings(
        clock=clock,
        bus=bus,
        bus_bell=bell,
        database_of=database_of,
        verifier=TokenVerifier(settings.issuers),
        keys=settings.keys,
        packs=settings.packs,
        development=settings.development,
        pool_size=settings.pool_size,
        notices=_gateway(settings),
    )


def _gateway(settings: Settings) -> NoticeGateway | None:
    if not settings.notice_gateway or settings.notice_key is None:
        return None
    return NoticeGateway(settings.notice_gateway, read_key(settings.notice_key), frozenset(settings.notice_hosts))
