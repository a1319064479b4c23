"""回头看 (清远 三（三）2): whether what was closed has held."""

from typing import Any

from tests.review.desk import CHENGGUAN, PACKS, YINGSHANG, Desk

from common.events.review import LookBackRecorded
from common.policy import Pack, load_pack, parse_pack

FOUND = {"unit": CHENGGUAN, "result": "good", "text": "路灯均已修复，13812345678 确认。"}


def looking_pack() -> Pack:
    """双鸭山's pack as it would be if closed tickets were looked back at."""
    content: dict[str, Any] = load_pack(PACKS / "shuangyashan").dump()
    tried = {"rule": "QY-3.3", "assumption": "试行"}
    look_back = {
        "anchor": {"value": "closed", **tried},
        "warn_before": {"amount": 3, "unit": "natural_days", **tried},
        "rules": [{"allowance": {"amount": 30, "unit": "natural_days"}, **tried}],
    }
    content["limits"] = {**content["limits"], "kinds": {**content["limits"]["kinds"], "look_back": look_back}}
    return parse_pack(content)


async def test_a_closed_ticket_is_looked_back_at_by_the_authority(desk: Desk) -> None:
    pack = looking_pack()
    await desk.activate(pack)
    ticket = await desk.ticket(pack=pack)
    path = f"/tickets/{ticket.id}/look-backs"
    early = await desk.post(path, FOUND, "supervisor", YINGSHANG)
    assert (early.status_code, early.json()["code"]) == (409, "not_looked_back_at")
    await ticket.closed()
    assert (await desk.post(path, FOUND, "unit", CHENGGUAN)).status_code in (403, 404)
    made = await desk.post(path, FOUND, "supervisor", YINGSHANG)
    assert made.status_code == 201, made.text
    [told] = [event.data for event in await ticket.announced("LookBackRecorded")]
    assert isinstance(told, LookBackRecorded)
    assert (str(told.case), told.unit, told.result) == (made.json()["id"], CHENGGUAN, "good")
    assert "13812345678" not in told.text


async def test_where_the_pack_knows_none_there_is_no_looking_back(desk: Desk) -> None:
    ticket = await desk.closed_ticket()
    answer = await desk.post(f"/tickets/{ticket.id}/look-backs", FOUND, "supervisor", YINGSHANG)
    assert (answer.status_code, answer.json()["detail"]) == (409, "本地区的规定没有回头看。")
