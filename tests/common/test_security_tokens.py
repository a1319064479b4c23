"""Only a token that its issuer signed, for this suite, unexpired and with a known role, is a principal."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from common.clock import RealClock
from common.security.access import Principal
from common.security.development import AUDIENCE, DEVELOPMENT_ISSUER, DevelopmentIssuer
from common.security.refusals import Unauthenticated
from common.security.tokens import LONGEST_TOKEN, Issuer, TokenVerifier, fetch_key_set

NOW = RealClock().now()


@pytest.fixture
def issuer(tmp_path: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path / "issuer.pem")


class Fetches:
    """Reads key sets from files and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, location: str) -> bytes:
        self.asked.append(location)
        return await fetch_key_set(location)


@pytest.fixture
def fetches() -> Fetches:
    return Fetches()


@pytest.fixture
def verifier(issuer: DevelopmentIssuer, fetches: Fetches) -> TokenVerifier:
    return TokenVerifier([issuer.settings()], fetch=fetches)


async def test_a_development_token_goes_through_the_same_door(
    issuer: DevelopmentIssuer, verifier: TokenVerifier
) -> None:
    token = issuer.issue("unit", "shuangyashan.chengguan", "shuangyashan")
    assert await verifier.verify(token) == Principal(
        "dev-unit-shuangyashan.chengguan", "unit", "shuangyashan.chengguan", "shuangyashan"
    )


async def test_the_key_is_made_once_and_readable_by_this_account_only(tmp_path: Path) -> None:
    first = DevelopmentIssuer(tmp_path / "d" / "issuer.pem")
    second = DevelopmentIssuer(tmp_path / "d" / "issuer.pem")
    assert (tmp_path / "d" / "issuer.pem").stat().st_mode & 0o777 == 0o600
    assert (await TokenVerifier([first.settings()]).verify(second.issue("viewer"))).role == "viewer"
    assert '"d"' not in first.jwks_path.read_text()


def _claims(**changed: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": AUDIENCE,
        "sub": "someone",
        "iat": NOW,
        "exp": NOW + timedelta(hours=1),
        "role": "agent",
    }
    claims.update(changed)
    return {name: value for name, value in claims.items() if value is not None}


class Workshop:
    """A forger who has the public key set and, for the last proof, the real key."""

    def __init__(self, folder: Path, issuer: DevelopmentIssuer) -> None:
        self.real: Any = serialization.load_pem_private_key((folder / "issuer.pem").read_bytes(), None)
        self.own = Ed25519PrivateKey.generate()
        self.jwk = json.loads(issuer.jwks_path.read_text())["keys"][0]
        self.kid = self.jwk["kid"]

    def signed(self, claims: dict[str, Any], *, key: Any = None, algorithm: str = "EdDSA", **header: Any) -> str:
        headers = {
            name: value for name, value in {"kid": self.kid, "typ": "at+jwt", **header}.items() if value is not None
        }
        if "typ" not in headers:
            headers["typ"] = ""
        return jwt.encode(claims, key or self.real, algorithm=algorithm, headers=headers)

    def raw(self, header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
        parts = [json.dumps(part, default=lambda at: int(at.timestamp())).encode() for part in (header, claims)]
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))

    def hmac_with_public_key(self) -> str:
        unsigned = self.raw({"alg": "HS256", "typ": "at+jwt", "kid": self.kid}, _claims()).rsplit(".", 1)[0]
        public = base64.urlsafe_b64decode(self.jwk["x"] + "==")
        mac = hmac.new(public, unsigned.encode(), hashlib.sha256).digest()
        return unsigned + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


RSA = generate_private_key(65537, 2048)
Forge = Callable[[Workshop], str]
FORGED: dict[str, Forge] = {
    "no signature, alg none": lambda w: w.raw({"alg": "none", "typ": "at+jwt", "kid": w.kid}, _claims()),
    "no signature, alg None": lambda w: w.raw({"alg": "None", "typ": "at+jwt", "kid": w.kid}, _claims()),
    "signature cut off": lambda w: w.signed(_claims()).rsplit(".", 1)[0] + ".",
    "HS256 with the public key": Workshop.hmac_with_public_key,
    "another algorithm": lambda w: w.signed(_claims(), key=RSA, algorithm="RS256"),
    "a key of the forger": lambda w: w.signed(_claims(), key=w.own),
    "no kid": lambda w: w.signed(_claims(), kid=None),
    "kid is a path": lambda w: w.signed(_claims(), kid="../../../../dev/null"),
    "kid is SQL": lambda w: w.signed(_claims(), kid="x' union select 'k"),
    "jku": lambda w: w.signed(_claims(), key=w.own, kid="evil", jku="http://127.0.0.1:1/jwks"),
    "x5u": lambda w: w.signed(_claims(), key=w.own, x5u="http://127.0.0.1:1/cert"),
    "jwk in the header": lambda w: w.signed(
        _claims(), key=w.own, jwk=json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(w.own.public_key()))
    ),
    "critical extension": lambda w: w.signed(_claims(), crit=["exp"]),
    "expired": lambda w: w.signed(_claims(exp=NOW - timedelta(seconds=1))),
    "not yet valid": lambda w: w.signed(_claims(nbf=NOW + timedelta(hours=1))),
    "issued in the future": lambda w: w.signed(_claims(iat=NOW + timedelta(hours=1))),
    "foreign issuer": lambda w: w.signed(_claims(iss="https://elsewhere.example")),
    "issuer is no text": lambda w: w.raw(
        {"alg": "EdDSA", "typ": "at+jwt", "kid": w.kid}, _claims(iss=["a"]), b"x" * 64
    ),
    "foreign audience": lambda w: w.signed(_claims(aud="another-service")),
    "an ID token": lambda w: w.signed(_claims(), typ="JWT"),
    "no typ": lambda w: w.signed(_claims(), typ=None),
    "no exp": lambda w: w.signed(_claims(exp=None)),
    "no iat": lambda w: w.signed(_claims(iat=None)),
    "no sub": lambda w: w.signed(_claims(sub=None)),
    "no aud": lambda w: w.signed(_claims(aud=None)),
    "no iss": lambda w: w.signed(_claims(iss=None)),
    "no role": lambda w: w.signed(_claims(role=None)),
    "unknown role": lambda w: w.signed(_claims(role="root")),
    "the system's own role": lambda w: w.signed(_claims(role="system")),
    "role is a list": lambda w: w.signed(_claims(role=["agent"])),
    "a unit's role without the unit": lambda w: w.signed(_claims(role="unit")),
    "a unit of no jurisdiction": lambda w: w.signed(_claims(role="unit", unit="chengguan")),
    "a unit of another jurisdiction": lambda w: w.signed(
        _claims(role="unit", unit="qingyuan.x", jurisdiction="shuangyashan")
    ),
    "exp is beyond counting": lambda w: w.raw(
        {"alg": "EdDSA", "typ": "at+jwt", "kid": w.kid}, _claims(exp=10**400), b"x" * 64
    ),
    "huge": lambda w: w.signed(_claims(sub="x" * LONGEST_TOKEN)),
    "encrypted (JWE, five parts)": lambda w: ".".join(["e30"] * 5),
    "header is no object": lambda w: "W10.e30.AAAA",
    "deep nesting": lambda w: base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.AAAA",
    "not a token": lambda w: "Bearer",
    "not ASCII": lambda w: "令牌.令牌.令牌",
    "empty": lambda w: "",
}


@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forged_token_is_refused_and_nothing_is_fetched_for_it(
    forgery: str, tmp_path: Path, issuer: DevelopmentIssuer, verifier: TokenVerifier, fetches: Fetches
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(FORGED[forgery](Workshop(tmp_path, issuer)))
    assert set(fetches.asked) <= {str(issuer.jwks_path.resolve())}


async def test_the_forgers_tools_make_good_tokens_with_the_real_key(
    tmp_path: Path, issuer: DevelopmentIssuer, verifier: TokenVerifier
) -> None:
    token = Workshop(tmp_path, issuer).signed(_claims(), jku="http://127.0.0.1:1/jwks")
    assert (await verifier.verify(token)).role == "agent"


class Stepping:
    """Machine time for the test."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


async def test_a_remembered_token_is_refused_once_it_has_expired(issuer: DevelopmentIssuer) -> None:
    machine = Stepping(NOW)
    verifier = TokenVerifier([issuer.settings()], machine_clock=machine)
    token = issuer.issue("viewer", lifetime=timedelta(minutes=5))
    await verifier.verify(token)
    machine.at += timedelta(minutes=4)
    await verifier.verify(token)
    machine.at += timedelta(minutes=2)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_an_unknown_key_id_reads_the_set_again_at_most_once_a_minute(
    tmp_path: Path, issuer: DevelopmentIssuer, verifier: TokenVerifier, fetches: Fetches
) -> None:
    workshop = Workshop(tmp_path, issuer)
    for attempt in range(20):
        with pytest.raises(Unauthenticated):
            await verifier.verify(workshop.signed(_claims(), kid=f"k{attempt}"))
    assert len(fetches.asked) == 1


async def test_a_key_set_that_cannot_be_read_refuses_and_does_not_crash(issuer: DevelopmentIssuer) -> None:
    async def broken(_: str) -> bytes:
        return b'{"keys": [null, {"kid": 1}, {"kid": "a", "kty": "oct", "k": "AAAA"}, {"kid": "b", "kty": "OKP"}]}'

    async def down(_: str) -> bytes:
        raise OSError

    fetchers: list[Callable[[str], Awaitable[bytes]]] = [broken, down]
    for fetch in fetchers:
        with pytest.raises(Unauthenticated):
            await TokenVerifier([issuer.settings()], fetch=fetch).verify(issuer.issue("viewer"))


def test_issuers_that_could_be_mistaken_for_each_other_are_refused_at_start(issuer: DevelopmentIssuer) -> None:
    other = issuer.settings().model_copy(update={"issuer": "https://other.example"})
    with pytest.raises(ValueError, match="account_prefix"):
        TokenVerifier([issuer.settings(), other])


@pytest.mark.parametrize(
    "wrong", [{"algorithm": "HS256"}, {"algorithm": "none"}, {"jwks": "http://keys.example/jwks"}, {"unknown": 1}]
)
def test_an_unsafe_issuer_is_refused_at_start(wrong: dict[str, Any]) -> None:
    good = {
        "issuer": "https://i.example",
        "audience": "hotline",
        "algorithm": "RS256",
        "jwks": "https://i.example/jwks",
    }
    Issuer.model_validate(good)
    with pytest.raises(ValueError, match=r"algorithm|https|unknown"):
        Issuer.model_validate({**good, **wrong})


def test_a_development_token_for_a_unit_names_the_unit(issuer: DevelopmentIssuer) -> None:
    with pytest.raises(ValueError, match="--unit"):
        issuer.issue("unit")
    for unit, jurisdiction in (("chengguan", None), ("qingyuan.x", "shuangyashan")):
        with pytest.raises(ValueError, match="--unit"):
            issuer.issue("unit", unit, jurisdiction)


async def test_a_units_token_reaches_no_further_than_its_units_jurisdiction(
    tmp_path: Path, issuer: DevelopmentIssuer, verifier: TokenVerifier
) -> None:
    issued = issuer.issue("unit", "qingyuan.x")
    assert jwt.decode(issued, options={"verify_signature": False})["jurisdiction"] == "qingyuan"
    without = Workshop(tmp_path, issuer).signed(_claims(role="unit", unit="qingyuan.x"))
    for token in (issued, without):
        assert (await verifier.verify(token)).jurisdiction == "qingyuan"
