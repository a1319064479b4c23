"""Requests to other systems: only to hosts that the operator listed, never to what lies inside this machine.

Units sit on private government networks, so private addresses are not refused as such; the list of hosts decides. The
name is resolved once, and only addresses that were looked at are connected to.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"https": 443, "http": 80}


class HostRefused(Exception):
    """A URL that nothing is sent to. ``rule`` names why; the text repeats nothing of it."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def check_url(url: str, hosts: Collection[str], *, development: bool = False) -> tuple[str, int]:
    """Host and port of a URL that may be sent to; ``HostRefused`` otherwise. In development also plain http."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise HostRefused("malformed") from None
    if parts.scheme not in (("https", "http") if development else ("https",)):
        raise HostRefused("not_https")
    if parts.username is not None or parts.password is not None or not host:
        raise HostRefused("malformed")
    if host not in hosts:
        raise HostRefused("host_not_listed")
    return host, port or _PORTS[parts.scheme]


async def addresses_of(host: str, port: int, *, development: bool = False) -> Sequence[str]:
    """The addresses to connect to, the best one first. ``HostRefused`` when any of them is one that nobody outside has;
    ``OSError`` when the name cannot be resolved now."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if not development and any(_inside(address) for address in addresses):
        raise HostRefused("address_refused")
    return [str(address) for address in addresses]


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """This machine, its links (where clouds keep their metadata), and what is no single host."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
    )
