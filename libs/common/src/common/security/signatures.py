"""Messages to and from other systems, signed with a shared key in the manner of Standard Webhooks.

What is signed is ``id.timestamp.body``. The timestamp is machine time: a signature older than a few minutes proves
nothing any more.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S: Final = 300
_SHORTEST_KEY: Final = 24
_MOST_SIGNATURES: Final = 8


class KeyRefused(ValueError):
    """The file holds no key that could keep anybody out; the text never repeats it."""


class NotSigned(Exception):
    """The message does not prove that it comes from whoever holds the key."""


def read_key(path: Path) -> bytes:
    """The shared key in a file: base64, with or without ``whsec_`` before it."""
    try:
        key = base64.b64decode(path.read_text().strip().removeprefix("whsec_"), validate=True)
    except (OSError, ValueError, binascii.Error) as error:
        raise KeyRefused(f"{path} cannot be read as a base64 key") from error
    if len(key) < _SHORTEST_KEY:
        raise KeyRefused(f"{path} holds a key of fewer than {_SHORTEST_KEY} bytes")
    return key


def key_for(key: bytes, receiver: str) -> bytes:
    """The receiver's own key, made of the shared one: who holds it can sign for nobody else."""
    return hmac.digest(key, f"hotline {receiver}".encode(), "sha256")


def signed(key: bytes, id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message that goes out at this second."""
    return {ID: id, TIMESTAMP: str(at), SIGNATURE: _signature(key, id, str(at), body)}


def check_signed(key: bytes, headers: Mapping[str, str], body: bytes, now: int) -> None:
    """``NotSigned`` unless one of the signatures is the key's, over this body, within the tolerance of ``now``."""
    id, at, sent = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (id.isascii() and at.isascii() and at.isdecimal() and len(at) <= 12 and sent.isascii()):
        raise NotSigned
    if abs(now - int(at)) > TOLERANCE_S:
        raise NotSigned
    right = _signature(key, id, at, body).encode()
    if not any(hmac.compare_digest(one.encode(), right) for one in sent.split(" ")[:_MOST_SIGNATURES]):
        raise NotSigned


def _signature(key: bytes, id: str, at: str, body: bytes) -> str:
    said = f"{id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, said, "sha256")).decode()
