"""A pack travels as data, keeps its version, and is in force for its days."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from common.policy import (
    NoPackInForce,
    Pack,
    PackInvalid,
    Situation,
    in_force,
    load_pack,
    pack_directories,
    parse_pack,
)
from common.policy.pack import LARGEST_PACK
from common.policy.ruled import Effective

if TYPE_CHECKING:
    from tests.policy.conftest import Draft

POLICIES = Path(__file__).parents[2] / "policies"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def rewritten(pack: Pack, **sections: Any) -> Pack:
    return parse_pack({**pack.dump(), **sections})


def test_a_pack_that_travelled_as_json_is_the_same_version(pack: Pack) -> None:
    travelled = json.dumps(pack.dump(), ensure_ascii=False)
    arrived = parse_pack(json.loads(travelled))
    assert arrived.version == pack.version
    assert arrived.dump() == pack.dump()
    assert arrived == pack
    assert len(travelled.encode()) < LARGEST_PACK


def test_the_version_names_the_jurisdiction_and_the_content(pack: Pack) -> None:
    jurisdiction, _, digest = pack.version.partition("@")
    assert (jurisdiction, len(digest)) == ("shuangyashan", 12)
    assert int(digest, 16) >= 0
    assert rewritten(pack, name="另一个名称").version != pack.version


def test_the_order_of_keys_makes_no_other_version(pack: Pack) -> None:
    reordered = dict(reversed(list(pack.dump().items())))
    assert parse_pack(reordered).version == pack.version


def test_a_spoilt_pack_from_the_bus_says_where_it_is_spoilt(pack: Pack) -> None:
    content = pack.dump()
    content["limits"]["kinds"]["closing"]["rules"][0]["allowance"]["amount"] = -1
    with pytest.raises(
        PackInvalid, match=r"limits\.kinds\.closing\.rules\.0\.allowance\.amount: 'amount' must be greater"
    ):
        parse_pack(content)


def test_the_pack_is_in_force_from_the_first_local_midnight(pack: Pack) -> None:
    assert in_force([pack], "shuangyashan", at("2024-06-12T16:00:00+00:00")) is pack
    with pytest.raises(NoPackInForce) as before:
        in_force([pack], "shuangyashan", at("2024-06-12T15:59:59+00:00"))
    assert before.value.known


def test_the_last_day_belongs_to_the_pack(pack: Pack) -> None:
    ended = rewritten(pack, effective={"from": "2024-06-13", "to": "2025-12-31"})
    successor = rewritten(pack, effective={"from": "2026-01-01"})
    assert in_force([successor, ended], "shuangyashan", at("2025-12-31T23:59:59+08:00")) is ended
    assert in_force([successor, ended], "shuangyashan", at("2026-01-01T00:00:00+08:00")) is successor
    with pytest.raises(NoPackInForce) as over:
        in_force([ended], "shuangyashan", at("2026-01-01T00:00:00+08:00"))
    assert over.value.ended_on == ended.effective_to


def test_a_corrected_version_for_the_same_days_takes_the_place_of_the_first(pack: Pack) -> None:
    corrected = rewritten(pack, name="更正")
    assert in_force([pack, corrected], "shuangyashan", at("2025-01-01T00:00:00+08:00")) is corrected


def test_a_city_without_a_pack_is_not_known(pack: Pack) -> None:
    with pytest.raises(NoPackInForce, match="hegang is not a jurisdiction with a pack") as unknown:
        in_force([pack], "hegang", at("2025-01-01T00:00:00+08:00"))
    assert not unknown.value.known


def test_a_change_of_law_leaves_earlier_days_their_own_limit(pack: Pack) -> None:
    content = pack.dump()
    rows = content["limits"]["kinds"]["closing"]["rules"]
    old, new = {**rows[0]}, {**rows[0], "allowance": {"amount": 1, "unit": "working_days"}}
    old["effective"] = {"from": "2024-06-13", "to": "2025-06-30"}
    new["effective"] = {"from": "2025-07-01"}
    content["limits"]["kinds"]["closing"]["rules"] = [old, new, *rows[1:]]
    changed = parse_pack(content).limits
    inquiry = Situation(type="inquiry")
    days = [changed.find("closing", inquiry, at(f"{day}T12:00+08:00").date()) for day in ("2025-06-30", "2025-07-01")]
    amounts = [
        getattr(getattr(limit, "allowance", None), "amount", None)
        for limit in (*days, changed.find("closing", inquiry))
    ]
    assert amounts == [2, 1, 1]


def test_no_limit_is_said_and_has_a_basis(pack: Pack) -> None:
    content = pack.dump()
    content["limits"]["kinds"]["closing"]["rules"][1] = {
        "when": {"type": {"in": ["help", "suggestion", "praise"]}},
        "no_limit": True,
        "rule": "SYS-16",
        "assumption": "试验",
    }
    said = parse_pack(content).limits.find("closing", Situation(type="praise"))
    assert type(said).__name__ == "NoLimit"
    assert said is not None
    assert said.basis.assumption == "试验"


def test_a_pack_too_large_for_one_event_is_refused(pack: Pack) -> None:
    content = pack.dump()
    unit = content["units"][0]
    content["units"] += [
        {**unit, "code": f"shuangyashan.u{number}", "function": None, "assumption": "长" * 380} for number in range(700)
    ]
    with pytest.raises(PackInvalid, match="one event carries at most 900000"):
        parse_pack(content)


def test_a_pack_as_files_says_how_its_first_day_is_known(draft: "Draft") -> None:
    line = draft.rewrite(
        "pack.yaml",
        "  rule: O-8\n  source: {article: 第三十六条, quote: 本办法自发布之日起施行}\n"
        "  assumption: 办法未另写发布日期；发布之日即印发之日。\n",
        "",
    )
    (finding,) = draft.findings()
    assert finding.sentence == "the days on which the pack is in force have neither a source nor an assumption"
    assert finding.line == line - 2


def test_a_version_activated_with_bare_dates_is_still_the_same_version(pack: Pack) -> None:
    content = pack.dump() | {"effective": {"from": "2024-06-13", "to": "2026-12-31"}}
    old = parse_pack(content)
    assert old.dump() == content
    assert (old.effective_from, old.effective_to) == (date(2024, 6, 13), date(2026, 12, 31))
    assert parse_pack(old.dump()).version == old.version


def test_a_first_day_that_no_document_says_is_known_to_be_assumed() -> None:
    found = {directory.name: load_pack(directory).effective for directory in pack_directories(POLICIES)}
    assert [name for name, one in found.items() if isinstance(one, Effective) and not one.first_day_assumed] == [
        "shuangyashan"
    ]
