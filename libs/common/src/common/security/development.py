"""The development issuer: a key of this machine's own, checked through the same door as a real one."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common.clock import Clock, RealClock, new_id
from common.security.access import Role, jurisdiction_of
from common.security.tokens import Issuer

DEVELOPMENT_ISSUER: Final = "https://issuer.hotline.invalid/development"
AUDIENCE: Final = "hotline"


class DevelopmentIssuer:
    """Issues tokens signed with an Ed25519 key that it makes on first use, readable only by this account.

    The key set lies beside the key as ``<name>.jwks.json``.
    """

    def __init__(self, key_path: Path, *, machine_clock: Clock | None = None) -> None:
        self._clock = machine_clock or RealClock()
        self._key = _load_or_create(key_path)
        public: dict[str, Any] = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key()))
        # The key id is the key itself, so that a new data directory never meets an old key under the same name.
        self._kid = f"development-{public['x'][:16]}"
        self.jwks_path = key_path.with_suffix(".jwks.json")
        key_set = {"keys": [{**public, "kid": self._kid, "use": "sig", "alg": "EdDSA"}]}
        _replace(self.jwks_path, json.dumps(key_set, indent=1))

    def settings(self) -> Issuer:
        """What the verifier must be told to accept these tokens."""
        return Issuer(
            issuer=DEVELOPMENT_ISSUER, audience=AUDIENCE, algorithm="EdDSA", jwks=str(self.jwks_path.resolve())
        )

    def issue(
        self,
        role: Role,
        unit: str | None = None,
        jurisdiction: str | None = None,
        lifetime: timedelta = timedelta(hours=12),
        *,
        account: str | None = None,
    ) -> str:
        """A token for that role; a unit's names its unit's jurisdiction. ``lifetime`` is machine time."""
        if role == "unit" and unit is None:
            raise ValueError("a token for the role unit names the unit: --unit CODE")
        if role == "unit" and unit is not None:
            home = jurisdiction_of(unit)
            if home is None or jurisdiction not in (None, home):
                raise ValueError(f"--unit {unit} begins with its jurisdiction, such as shuangyashan.chengguan")
            jurisdiction = home
        now = self._clock.now()
        claims: dict[str, Any] = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": AUDIENCE,
            "sub": account or f"dev-{role}" + (f"-{unit}" if unit else ""),
            "iat": now,
            "exp": now + lifetime,
            "jti": str(new_id()),
            "role": role,
        }
        if unit is not None:
            claims["unit"] = unit
        if jurisdiction is not None:
            claims["jurisdiction"] = jurisdiction
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._kid, "typ": "at+jwt"})


def _load_or_create(path: Path) -> Ed25519PrivateKey:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # Written whole under another name and then linked: of two processes that start together one makes the key.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")
    return key


def _replace(path: Path, content: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)
