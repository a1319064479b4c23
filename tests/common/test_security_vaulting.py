"""Sealed fields open only in their own place, under a key of this installation."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest

from common.security import vaulting
from common.security.masking import NotAPhone
from common.security.vaulting import Algorithm, KeyRing, KeysUnusable, Unreadable

PHONE = "13812345678"


@pytest.fixture(params=get_args(Algorithm))
def ring(request: pytest.FixtureRequest, tmp_path: Path) -> KeyRing:
    return KeyRing.create_if_empty(tmp_path / "keys", request.param)


@pytest.mark.parametrize("text", ["张三", "", "𠮷𰻝 é é 👨‍👩‍👧 \u202e", "x" * 100_000, "a|b|c"])
def test_what_was_sealed_opens_in_its_place(ring: KeyRing, text: str) -> None:
    sealed = ring.encrypt("requester", "name", 7, text)
    assert ring.decrypt("requester", "name", 7, sealed) == text
    assert sealed.startswith(b"v1|")


@pytest.mark.parametrize("place", [("other", "phone", 7), ("requester", "name", 7), ("requester", "phone", 8)])
def test_a_value_moved_to_another_place_does_not_open(ring: KeyRing, place: tuple[str, str, int]) -> None:
    sealed = ring.encrypt("requester", "phone", 7, PHONE)
    with pytest.raises(Unreadable):
        ring.decrypt(*place, sealed)


def test_every_changed_byte_is_noticed(ring: KeyRing) -> None:
    sealed = ring.encrypt("requester", "phone", 7, PHONE)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(Unreadable):
            ring.decrypt("requester", "phone", 7, changed)
    for end in range(len(sealed)):
        with pytest.raises(Unreadable):
            ring.decrypt("requester", "phone", 7, sealed[:end])


def test_the_same_text_never_looks_the_same_and_never_shows(ring: KeyRing) -> None:
    sealed = {ring.encrypt("requester", "phone", 7, PHONE) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(PHONE.encode() in each for each in sealed)
    assert PHONE not in repr(ring)


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key(tmp_path: Path) -> None:
    before = KeyRing.create_if_empty(tmp_path)
    old = before.encrypt("requester", "phone", 7, PHONE)
    index = before.blind_index("requester.phone", PHONE)
    (tmp_path / "k2.key").write_text("ab" * 32)
    (tmp_path / "k2.key").chmod(0o600)
    (tmp_path / "current").write_text("k2\n")
    after = KeyRing.load(tmp_path)
    assert after.decrypt("requester", "phone", 7, old) == PHONE
    new = after.encrypt("requester", "phone", 7, PHONE)
    assert (after.sealed_under(old), after.sealed_under(new), after.current) == ("k1", "k2", "k2")
    assert after.blind_index("requester.phone", PHONE) == index
    with pytest.raises(Unreadable):
        before.decrypt("requester", "phone", 7, new)


def test_the_algorithm_can_change_while_old_values_stay_readable(tmp_path: Path) -> None:
    sealed = KeyRing.create_if_empty(tmp_path, "A256GCM").encrypt("t", "c", 1, PHONE)
    assert KeyRing.load(tmp_path, "SM4GCM").decrypt("t", "c", 1, sealed) == PHONE


def test_equal_phones_share_an_index_within_a_column_only(ring: KeyRing, tmp_path: Path) -> None:
    index = ring.blind_index("requester.phone", "138 1234 5678")
    assert index == ring.blind_index("requester.phone", "＋８６１３８１２３４５６７８")
    assert index != ring.blind_index("call.phone", PHONE)
    assert index != ring.blind_index("requester.phone", "13812345679")
    assert index != KeyRing.create_if_empty(tmp_path / "other").blind_index("requester.phone", PHONE)
    with pytest.raises(NotAPhone):
        ring.blind_index("requester.phone", "没有")


def test_keys_are_made_once_and_for_this_account_only(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    sealed = KeyRing.create_if_empty(folder).encrypt("t", "c", 1, PHONE)
    assert KeyRing.create_if_empty(folder).decrypt("t", "c", 1, sealed) == PHONE
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key")} == {0o600}


def test_of_those_that_start_together_one_makes_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = vaulting._write_key

    def slowly(path: Path) -> None:
        write(path)
        time.sleep(0.05)

    monkeypatch.setattr(vaulting, "_write_key", slowly)
    with ThreadPoolExecutor(4) as starting:
        rings = list(starting.map(lambda _: KeyRing.create_if_empty(tmp_path / "keys"), range(4)))
    assert len({ring.blind_index("requester.phone", PHONE) for ring in rings}) == 1
    sealed = rings[0].encrypt("t", "c", 1, PHONE)
    assert {ring.decrypt("t", "c", 1, sealed) for ring in rings} == {PHONE}
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def _open_to_all(folder: Path) -> None:
    (folder / "k1.key").chmod(0o644)


def _short(folder: Path) -> None:
    (folder / "k1.key").write_text("abcd")


def _not_hexadecimal(folder: Path) -> None:
    (folder / "k1.key").write_text("secret secret")


def _no_current(folder: Path) -> None:
    (folder / "current").unlink()


def _current_absent(folder: Path) -> None:
    (folder / "current").write_text("k9")


def _no_index(folder: Path) -> None:
    (folder / "index.key").unlink()


@pytest.mark.parametrize("spoil", [_open_to_all, _short, _not_hexadecimal, _no_current, _current_absent, _no_index])
def test_unusable_keys_are_refused_with_a_sentence(tmp_path: Path, spoil: object) -> None:
    KeyRing.create_if_empty(tmp_path)
    assert callable(spoil)
    spoil(tmp_path)
    with pytest.raises(KeysUnusable) as refused:
        KeyRing.create_if_empty(tmp_path)
    assert len(str(refused.value)) > 20
    assert "secret" not in str(refused.value)
