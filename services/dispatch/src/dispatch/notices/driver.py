"""One notice out to the gateway, or to the unit's own system: a POST, signed, that may be repeated."""

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from common.clock import RealClock
from common.security.masking import NotAPhone, normalise_phone
from common.security.outgoing import HostRefused, addresses_of, check_url
from common.security.signatures import key_for, signed
from dispatch.notices.rules import Outcome, outcome_of_status

LONGEST_S: Final = 10.0
"""How long one attempt may take in all, name look-up, connection and answer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: the words, and where the unit is reached. ``to`` is a telephone number or a URL."""

    id: UUID
    unit: str
    ticket: UUID
    number: str
    occasion: str
    text: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a letter goes: by the gateway to a telephone, or to the unit's own system."""

    channel: Literal["phone", "webhook"]
    url: str
    host: str
    port: int
    key: bytes = field(repr=False)


class Driver:
    """Sends letters over HTTP. Answers are input from outside: their status is read, their words are not."""

    def __init__(
        self, url: str, key: bytes, hosts: frozenset[str], *, development: bool, longest_s: float = LONGEST_S
    ) -> None:
        self._url = url
        self._key = key
        self._hosts = hosts
        self._development = development
        self._longest_s = longest_s
        # No proxy from the environment: it would connect to another address than those that were looked at. Trusted
        # are the system's authorities, private ones of government networks among them (SSL_CERT_FILE).
        self._client = httpx.AsyncClient(
            timeout=longest_s, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
        )

    async def send(self, letter: Letter) -> Outcome:
        """One attempt. Repeating it is safe: the notice's id is the Idempotency-Key."""
        try:
            route = self._route(letter)
            async with asyncio.timeout(self._longest_s):
                status = await self._post(route, letter)
        except HostRefused as refused:
            return Outcome("unsent", refused.rule)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(None, "no_answer")
        except (OSError, httpx.HTTPError):
            return Outcome(None, "unreachable")
        outcome = outcome_of_status(status)
        # Who takes its notices itself has them then; the gateway's receipt tells about telephones.
        return Outcome("delivered") if outcome.state == "sent" and route.channel == "webhook" else outcome

    async def close(self) -> None:
        await self._client.aclose()

    def _route(self, letter: Letter) -> Route:
        if letter.to is None:
            raise HostRefused("no_duty_contact")
        if "://" in letter.to:
            host, port = check_url(letter.to, self._hosts, development=self._development)
            return Route("webhook", letter.to, host, port, key_for(self._key, letter.unit))
        try:
            normalise_phone(letter.to)
        except NotAPhone:
            raise HostRefused("duty_contact_unusable") from None
        host, port = check_url(self._url, (urlsplit(self._url).hostname or "",), development=self._development)
        return Route("phone", self._url, host, port, self._key)

    async def _post(self, route: Route, letter: Letter) -> int:
        """The status that was answered by the first address that can be connected to."""
        url = httpx.URL(route.url)
        body = _body(route, letter)
        headers = {
            "Content-Type": "application/json",
            "Host": url.netloc.decode(),
            "Idempotency-Key": str(letter.id),
            **signed(route.key, str(letter.id), int(RealClock().now().timestamp()), body),
        }
        unreachable: Exception = OSError("no address")
        for address in await addresses_of(route.host, route.port, development=self._development):
            request = self._client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers=headers,
                extensions={"sni_hostname": route.host},  # the certificate is the name's, not the address's
            )
            try:
                answer = await self._client.send(request, stream=True)
            except httpx.ConnectError as error:
                unreachable = error
                continue
            await answer.aclose()  # unread: it may be endless
            return answer.status_code
        raise unreachable


def _body(route: Route, letter: Letter) -> bytes:
    told = {
        "notice": str(letter.id),
        "channel": route.channel,
        "unit": letter.unit,
        "ticket": str(letter.ticket),
        "number": letter.number,
        "occasion": letter.occasion,
        "text": letter.text,
    }
    if route.channel == "phone":
        told["to"] = letter.to or ""
    return json.dumps(told, ensure_ascii=False).encode()
