"""Settings of a service, from the environment (``HOTLINE_…``). No number that a regulation mentions is among them."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.database import SERVICES
from common.security.outgoing import HostRefused, check_url
from common.security.signatures import read_key
from common.security.tokens import Issuer


class Settings(BaseSettings):
    """Where the engines are and whom to trust.

    ``database`` is one PostgreSQL URL; ``<service>_database`` overrides it for one service, with that service's own
    login. ``bus`` is empty for the embedded log in the same database, or ``kafka://host:9092[,host:9092]``.
    """

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", extra="ignore")

    database: str
    intake_database: str | None = None
    dispatch_database: str | None = None
    sla_database: str | None = None
    review_database: str | None = None
    reporting_database: str | None = None
    bus: str = ""
    bus_replication: int = Field(default=1, ge=1)
    issuers: list[Issuer]
    keys: Path = Field(description="Folder of the vault's keys.")
    packs: Path = Field(default=Path("policies"), description="Folder of packs and calendars, read at the first start.")
    pool_size: int = Field(default=12, ge=1, le=50, description="Connections kept open under load, per service.")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    development: bool = False
    notice_key: Path | None = Field(default=None, description="File of the key shared with the gateway, base64.")
    notice_hosts: list[str] = Field(default=[], description="Hosts at which units may take their notices themselves.")
    notice_gateway: str = Field(default="", description="URL of the gateway that rings and texts units; empty: none.")

    @field_validator("notice_gateway")
    @classmethod
    def _can_be_reached_safely(cls, url: str, info: ValidationInfo) -> str:
        key: Path | None = info.data.get("notice_key")
        if not url:
            return url
        if key is None:
            raise ValueError("a gateway needs HOTLINE_NOTICE_KEY, the file of the key shared with it")
        read_key(key)
        try:
            check_url(url, (urlsplit(url).hostname or "",), development=info.data["development"])
        except HostRefused as refused:
            raise ValueError(f"it is no https URL that can be sent to: {refused.rule}") from None
        return url

    def database_of(self, service: str) -> str:
        """The URL with which a service enters its room."""
        assert service in SERVICES
        own: str | None = getattr(self, f"{service}_database")
        return own or self.database
