"""Personal data at rest: each field sealed under its own place, so that a value moved elsewhere does not open.

Stored bytes are ``v1|alg|kid|nonce|ciphertext``; the associated data is version, algorithm, key id, table, column and
row. Keys are files: ``<kid>.key`` (32 bytes in hexadecimal, readable only by this account), ``current`` names the key
for new values, ``index.key`` is for the blind index alone. Old keys stay readable: rotation is a new file and a new
``current``.
"""

import contextlib
import hashlib
import hmac
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.security.masking import normalise_phone

Algorithm = Literal["A256GCM", "SM4GCM"]

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_INDEX_BYTES: Final = 16
_INDEX: Final = "index"


class KeysUnusable(RuntimeError):
    """The key directory cannot be used; the text says why in one sentence."""


class Unreadable(ValueError):
    """Sealed bytes that do not open here: wrong place, unknown key, or changed."""


class _Seal(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class _Sm4Gcm:
    """SM4-GCM in the shape of ``AESGCM``; its 128-bit key is derived from the 256-bit one."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(hashes.SHA256(), length=16, salt=None, info=b"hotline SM4-GCM").derive(key)
        self._cipher = SM4(derived)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        sealing = Cipher(self._cipher, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated_data)
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        if len(data) < _TAG_BYTES:
            raise InvalidTag
        opening = Cipher(self._cipher, GCM(nonce, data[-_TAG_BYTES:])).decryptor()
        opening.authenticate_additional_data(associated_data)
        return opening.update(data[:-_TAG_BYTES]) + opening.finalize()


def _seal(algorithm: str, key: bytes) -> _Seal:
    match algorithm:
        case "A256GCM":
            return AESGCM(key)
        case "SM4GCM":
            return _Sm4Gcm(key)
    raise Unreadable("unknown algorithm")


class KeyRing:
    """The keys of one installation. ``repr`` shows key ids only."""

    def __init__(self, keys: Mapping[str, bytes], current: str, index: bytes, algorithm: Algorithm = "A256GCM") -> None:
        if current not in keys:
            raise KeysUnusable(f"the current key {current} is not among the keys")
        self._keys = dict(keys)
        self._current = current
        self._index = index
        self._algorithm: Algorithm = algorithm
        self._sealing = cache(lambda algorithm, kid: _seal(algorithm, self._keys[kid]))

    def __repr__(self) -> str:
        return f"KeyRing(kids={sorted(self._keys)}, current={self._current!r}, algorithm={self._algorithm!r})"

    @classmethod
    def load(cls, directory: Path, algorithm: Algorithm = "A256GCM") -> "KeyRing":
        """Read the keys; ``KeysUnusable`` when one is missing, malformed or readable by others."""
        try:
            current = (directory / "current").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as absent:
            raise KeysUnusable(f"{directory / 'current'} must name the key for new values") from absent
        keys = {path.stem: _read_key(path) for path in sorted(directory.glob("*.key"))}
        index = keys.pop(_INDEX, None)
        if index is None:
            raise KeysUnusable(f"{directory / 'index.key'} is missing: without it no requester can be found again")
        return cls(keys, current, index, algorithm)

    @classmethod
    def create_if_empty(cls, directory: Path, algorithm: Algorithm = "A256GCM") -> "KeyRing":
        """For development: make the keys on first use. A directory that holds something is only loaded."""
        home = directory.resolve()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not any(home.iterdir()):
            _create(home)
        return cls.load(directory, algorithm)

    def encrypt(self, table: str, column: str, row: object, text: str) -> bytes:
        """Seal ``text`` for that table, column and row."""
        head = f"v1|{self._algorithm}|{self._current}|".encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealing = self._sealing(self._algorithm, self._current)
        return head + nonce + b"|" + sealing.encrypt(nonce, text.encode("utf-8"), _place(head, table, column, row))

    def decrypt(self, table: str, column: str, row: object, sealed: bytes) -> str:
        """Open what was sealed for the same place; ``Unreadable`` otherwise. Old keys open too."""
        try:
            version, algorithm, kid, rest = bytes(sealed).split(b"|", 3)
            nonce, mark, ciphertext = (
                rest[:_NONCE_BYTES],
                rest[_NONCE_BYTES : _NONCE_BYTES + 1],
                rest[_NONCE_BYTES + 1 :],
            )
            if version != b"v1" or mark != b"|" or kid.decode("ascii") not in self._keys:
                raise Unreadable("not sealed by a key of this installation")
            opening = self._sealing(algorithm.decode("ascii"), kid.decode("ascii"))
            head = b"|".join((version, algorithm, kid, b""))
            return opening.decrypt(nonce, ciphertext, _place(head, table, column, row)).decode("utf-8")
        except (InvalidTag, UnicodeDecodeError) as broken:
            raise Unreadable("does not open here") from broken
        except ValueError as broken:
            raise Unreadable("not a sealed value") from broken

    def sealed_under(self, sealed: bytes) -> str:
        """The key id of a sealed value, for re-sealing what lies under an old key."""
        parts = bytes(sealed).split(b"|", 3)
        if len(parts) != 4:
            raise Unreadable("not a sealed value")
        return parts[2].decode("ascii", "replace")

    @property
    def current(self) -> str:
        return self._current

    def blind_index(self, column: str, phone: str) -> bytes:
        """What equal phones share in that column, useless without the key: HMAC-SHA256, 128 bits.

        ``NotAPhone`` when ``phone`` cannot be normalised.
        """
        message = f"{column}\x00{normalise_phone(phone)}".encode()
        return hmac.new(self._index, message, hashlib.sha256).digest()[:_INDEX_BYTES]


def _place(head: bytes, table: str, column: str, row: object) -> bytes:
    return head + f"{table}|{column}|{row}".encode()


def _read_key(path: Path) -> bytes:
    if "|" in path.stem or not path.stem.isascii():
        raise KeysUnusable(f"{path} has a name that cannot be a key id")
    try:
        mode = path.stat().st_mode
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as broken:
        raise KeysUnusable(f"{path} is not a key file (32 bytes in hexadecimal)") from broken
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeysUnusable(f"{path} can be read by other accounts: chmod 600 {path}")
    if len(key) != 32:
        raise KeysUnusable(f"{path} holds {len(key)} bytes instead of 32")
    return key


def _create(home: Path) -> None:
    """Made whole under another name and then moved to its place: of those that start together one makes the keys."""
    draft = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        for name in (_INDEX, "k1"):
            _write_key(draft / f"{name}.key")
        (draft / "current").write_text("k1\n", encoding="ascii")
        with contextlib.suppress(OSError):  # somebody was faster, or it cannot be moved there: loading says so
            draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_key(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(os.urandom(32).hex() + "\n")
