"""Where requests may go, and what a signature proves."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from common.runtime.settings import Settings
from common.security.outgoing import HostRefused, addresses_of, check_url
from common.security.signatures import KeyRefused, NotSigned, check_signed, key_for, read_key, signed

LISTED = ("gateway.example", "127.0.0.1", "169.254.169.254")
KEY, BODY, NOW = b"k" * 32, '{"notice": "第一"}'.encode(), 1_758_873_600


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://gateway.example/", "not_https"),
        ("ftp://gateway.example/", "not_https"),
        ("https://elsewhere.example/", "host_not_listed"),
        ("https://gateway.example.evil.example/", "host_not_listed"),
        ("https://gateway.example@evil.example/", "malformed"),
        ("https://user:pw@gateway.example/", "malformed"),
        ("https://gateway.example:99999/", "malformed"),
        ("https:///nothing", "malformed"),
        ("https://[::1", "malformed"),
    ],
)
def test_only_listed_hosts_are_sent_to_and_only_over_https(url: str, rule: str) -> None:
    with pytest.raises(HostRefused) as refused:
        check_url(url, LISTED)
    assert refused.value.rule == rule


def test_a_listed_host_is_sent_to_at_its_port() -> None:
    assert check_url("https://gateway.example/sms?x=1", LISTED) == ("gateway.example", 443)
    assert check_url("https://GATEWAY.example:8443/", LISTED) == ("gateway.example", 8443)
    assert check_url("http://127.0.0.1/", LISTED, development=True) == ("127.0.0.1", 80)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "::", "fe80::1", "::ffff:127.0.0.1", "localhost"],
)
async def test_addresses_inside_this_machine_and_its_links_are_refused_even_of_listed_hosts(host: str) -> None:
    with pytest.raises(HostRefused):
        await addresses_of(host, 443)


async def test_private_networks_are_reached_and_loopback_in_development() -> None:
    assert await addresses_of("10.20.30.40", 443) == ["10.20.30.40"]
    assert await addresses_of("127.0.0.1", 443, development=True) == ["127.0.0.1"]


def test_a_signature_proves_key_body_id_and_a_recent_instant() -> None:
    headers = signed(KEY, "id-1", NOW, BODY)
    check_signed(KEY, headers, BODY, NOW + 299)
    check_signed(KEY, {**headers, "webhook-signature": f"v1,old {headers['webhook-signature']}"}, BODY, NOW)
    wrong = [
        (b"other" * 6, headers, BODY, NOW),
        (key_for(KEY, "a.unit"), headers, BODY, NOW),
        (KEY, headers, BODY + b" ", NOW),
        (KEY, {**headers, "webhook-id": "id-2"}, BODY, NOW),
        (KEY, headers, BODY, NOW + 301),
        (KEY, headers, BODY, NOW - 301),
        (KEY, {**headers, "webhook-timestamp": "1e9"}, BODY, NOW),
        (KEY, {**headers, "webhook-timestamp": "9" * 400}, BODY, NOW),
        (KEY, {**headers, "webhook-signature": "签名"}, BODY, NOW),
        (KEY, {}, BODY, NOW),
    ]
    for key, told, body, now in wrong:
        with pytest.raises(NotSigned):
            check_signed(key, told, body, now)


def test_a_key_is_base64_of_enough_bytes(tmp_path: Path) -> None:
    good, short, wrong = tmp_path / "good", tmp_path / "short", tmp_path / "wrong"
    good.write_text("whsec_" + "a2V5" * 8 + "\n")
    short.write_text("a2V5")
    wrong.write_text("不是密钥")
    assert read_key(good) == b"key" * 8
    for bad in (short, wrong, tmp_path / "absent"):
        with pytest.raises(KeyRefused):
            read_key(bad)


def test_a_gateway_that_cannot_be_used_safely_is_refused_at_the_start(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a2V5" * 8)
    known = {"database": "postgresql://x", "issuers": [], "keys": tmp_path}

    def problem(**more: object) -> str:
        with pytest.raises(ValidationError) as refused:
            Settings(**known, **more)  # type: ignore[arg-type]
        [error] = refused.value.errors()
        assert error["loc"] == ("notice_gateway",)
        return error["msg"]

    assert "HOTLINE_NOTICE_KEY" in problem(notice_gateway="https://gateway.example/")
    assert "not_https" in problem(notice_gateway="http://gateway.example/", notice_key=key)
    assert "cannot be read" in problem(notice_gateway="https://gateway.example/", notice_key=tmp_path / "absent")
    assert Settings(**known, notice_gateway="https://gateway.example/", notice_key=key).notice_hosts == []  # type: ignore[arg-type]
