"""The driver over TLS: the certificate must be the name's, though the address is what is connected to."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.dispatch.gateway import KEY, answer, gateway

from common.clock import RealClock, new_id
from dispatch.notices.driver import Driver, Letter
from dispatch.notices.rules import Outcome

LETTER = Letter(new_id(), "a.unit", new_id(), "SYS1", "dispatched", "请签收。", "0469-4280000")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for that name, and the file by which it can be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = RealClock().now()
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("localhost", Outcome("sent")), ("elsewhere.example", Outcome(None, "unreachable"))],
)
async def test_the_certificate_must_be_the_hosts_own(
    name: str, outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with gateway(context) as gate:
        driver = Driver(f"https://localhost:{gate.port}/sms", KEY, frozenset(), development=True)
        assert await driver.send(LETTER) == outcome
        await driver.close()
        assert len(gate.received) == (outcome.state == "sent")


async def test_outside_development_nothing_is_sent_to_this_machine_or_in_the_clear() -> None:
    async with gateway() as gate:
        for url, reason in (
            (f"https://localhost:{gate.port}/sms", "address_refused"),
            (gate.url, "not_https"),
        ):
            driver = Driver(url, KEY, frozenset(), development=False)
            assert await driver.send(LETTER) == Outcome("unsent", reason)
            await driver.close()
        assert gate.received == []


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [
        (answer(204), Outcome("sent")),
        (b"HTTP/1.1 200 so\r\ncontent-length: 99999999999\r\n\r\nzz", Outcome("sent")),  # unread
        (b"HTTP/1.1 200 so\r\n" + b"x: " + b"y" * 300_000 + b"\r\n\r\n", Outcome(None, "unreachable")),
        (b"SSH-2.0-OpenSSH\r\n", Outcome(None, "unreachable")),
        (b"", Outcome(None, "unreachable")),
    ],
)
async def test_of_a_hostile_answer_only_the_status_counts(answered: bytes, outcome: Outcome) -> None:
    async with gateway() as gate:
        gate.answers = [answered]
        driver = Driver(gate.url, KEY, frozenset(), development=True)
        assert await driver.send(LETTER) == outcome
        await driver.close()


async def test_what_cannot_be_reached_is_tried_again_later() -> None:
    async with gateway() as gate:
        closed = gate.url
    driver = Driver(closed, KEY, frozenset(), development=True)
    assert await driver.send(LETTER) == Outcome(None, "unreachable")
    await driver.close()
