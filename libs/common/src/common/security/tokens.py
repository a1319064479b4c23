"""Bearer tokens (JWT): who issued them is settings, one algorithm per issuer, keys only from that issuer's own set.

A token's header chooses nothing: ``alg`` is pinned, ``kid`` is only looked up in a dictionary, ``jku``, ``x5u`` and
``jwk`` are never read. Expiry is machine time, whatever the simulated clock says.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from common.clock import Clock, RealClock
from common.security.access import ROLES, Principal, Role, jurisdiction_of
from common.security.refusals import Unauthenticated

#: Longer tokens are refused unread.
LONGEST_TOKEN: Final = 8192
#: An unknown key id makes the key set be read again, at most once in so many seconds.
REFRESH_EVERY_S: Final = 60.0
_REMEMBERED: Final = 4096
_SMALLEST_RSA_BITS: Final = 2048

Algorithm = Literal["EdDSA", "ES256", "ES384", "RS256", "RS384", "PS256", "PS384"]


class Issuer(BaseModel):
    """One issuer that this installation trusts.

    ``jwks`` is a path or an https URL. ``typ`` is what the header must say, so that an ID token is no access token.
    ``account_prefix`` keeps the accounts of two issuers apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    algorithm: Algorithm
    jwks: str = Field(min_length=1)
    typ: str = "at+jwt"
    account_prefix: str = ""

    @model_validator(mode="after")
    def _keys_travel_safely(self) -> "Issuer":
        url = urlsplit(self.jwks)
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        if url.scheme == "http" and not local:
            raise ValueError(f"the key set of {self.issuer} must be fetched over https")
        return self


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    sub: str = Field(min_length=1, max_length=200)
    role: str
    unit: str | None = Field(default=None, min_length=3, max_length=100)
    jurisdiction: str | None = Field(default=None, min_length=1, max_length=60)


Fetch = Callable[[str], Awaitable[bytes]]


async def fetch_key_set(location: str) -> bytes:
    """The bytes of a key set, from a file or over the network; no redirects, 3 seconds."""
    if urlsplit(location).scheme in ("http", "https"):
        async with httpx.AsyncClient(timeout=3.0, follow_redirects=False) as client:
            answer = await client.get(location)
            answer.raise_for_status()
            return answer.content
    return await asyncio.to_thread(Path(location).read_bytes)


class _KeySet:
    """The keys of one issuer by key id, refreshed when an unknown id turns up."""

    def __init__(self, issuer: Issuer, fetch: Fetch) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._keys: dict[str, Any] = {}
        self._read_at = -REFRESH_EVERY_S
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> Any:
        found = self._keys.get(kid)
        if found is None:
            await self._refresh()
            found = self._keys.get(kid)
        if found is None:
            raise Unauthenticated("unknown key id")
        return found

    async def _refresh(self) -> None:
        async with self._lock:
            if time.monotonic() - self._read_at < REFRESH_EVERY_S:
                return
            self._read_at = time.monotonic()
            try:
                document = json.loads(await self._fetch(self._issuer.jwks))
                entries = document["keys"]
            except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
                return  # the keys known so far stay valid; the next attempt is a minute away
            fresh = dict(_usable_keys(entries, self._issuer.algorithm))
            if fresh:
                self._keys = fresh


def _usable_keys(entries: Iterable[Any], algorithm: str) -> Iterable[tuple[str, Any]]:
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use") not in (None, "sig") or "d" in entry:
            continue
        kid = entry.get("kid")
        if not isinstance(kid, str) or entry.get("alg") not in (None, algorithm):
            continue
        try:
            key = jwt.PyJWK(entry, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if isinstance(key, RSAPublicKey) and key.key_size < _SMALLEST_RSA_BITS:
            continue
        yield kid, key


class TokenVerifier:
    """Turns a token into a ``Principal`` or refuses it. Verified tokens are remembered until they expire."""

    def __init__(
        self, issuers: Iterable[Issuer], *, machine_clock: Clock | None = None, fetch: Fetch = fetch_key_set
    ) -> None:
        self._issuers = {each.issuer: (each, _KeySet(each, fetch)) for each in issuers}
        prefixes = [each.account_prefix for each, _ in self._issuers.values()]
        if len(set(prefixes)) != len(prefixes):
            raise ValueError("two token issuers share an account_prefix: their accounts could be taken for each other")
        self._machine_clock = machine_clock or RealClock()
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """The principal of a token that holds; else ``Unauthenticated``."""
        known = self._known.get(token)
        if known is not None:
            if self._machine_clock.now().timestamp() < known[0]:
                return known[1]
            del self._known[token]
        expires, principal = await self._verify(token)
        if self._machine_clock.now().timestamp() >= expires:
            raise Unauthenticated("expired")
        self._known[token] = (expires, principal)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return principal

    async def _verify(self, token: str) -> tuple[float, Principal]:
        if len(token) > LONGEST_TOKEN or token.count(".") != 2 or not token.isascii():
            raise Unauthenticated("not a signed token")
        try:
            header = jwt.get_unverified_header(token)
            named = jwt.decode(token, options={"verify_signature": False}).get("iss")
            issuer, keys = self._issuers[named] if isinstance(named, str) else (None, None)
        except (jwt.PyJWTError, KeyError, ValueError, RecursionError) as broken:
            raise Unauthenticated("unreadable token or unknown issuer") from broken
        if issuer is None or keys is None:
            raise Unauthenticated("no issuer")
        kid = header.get("kid")
        typ = str(header.get("typ", "")).lower().removeprefix("application/")
        if header.get("alg") != issuer.algorithm or typ != issuer.typ or not isinstance(kid, str) or "crit" in header:
            raise Unauthenticated("header not as agreed with the issuer")
        key = await keys.key(kid)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[issuer.algorithm],
                audience=issuer.audience,
                issuer=issuer.issuer,
                options={"require": ["iss", "aud", "sub", "exp", "iat"], "verify_nbf": True, "verify_iat": True},
            )
            return float(claims["exp"]), _principal(claims, issuer)
        except (jwt.PyJWTError, ValueError, OverflowError) as broken:
            raise Unauthenticated(type(broken).__name__) from broken


def _principal(claims: dict[str, Any], issuer: Issuer) -> Principal:
    try:
        read = _Claims.model_validate(claims)
    except ValidationError as broken:
        raise Unauthenticated("claims not as agreed") from broken
    if read.role not in ROLES or (read.role == "unit" and read.unit is None):
        raise Unauthenticated("unknown role, or a unit's role without the unit")
    jurisdiction = read.jurisdiction
    if read.role == "unit" and read.unit is not None:
        home = jurisdiction_of(read.unit)
        if home is None or jurisdiction not in (None, home):
            raise Unauthenticated("a unit's code that names no jurisdiction, or another one than the token")
        jurisdiction = home
    return Principal(issuer.account_prefix + read.sub, cast(Role, read.role), read.unit, jurisdiction)
