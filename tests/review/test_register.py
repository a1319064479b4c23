"""Review's copy of the unit register, and what review knows of a ticket from the others' facts."""

from datetime import date

from tests.review.desk import CHENGGUAN, YINGSHANG, ZHUJIAN, Desk

from common.clock import new_id
from common.events.dispatch import Reissued, RulingApplied, SignedIn, SubAssigned, UnitSucceeded
from common.events.intake import TicketAmended
from common.events.vocabulary import Designation
from review import docket as dockets
from review.docket import Docket
from review.register import Unit, unfit, with_function

TODAY = date(2025, 9, 26)


async def docket_of(desk: Desk, ticket: object) -> Docket:
    async with desk.service.room.database.engine.connect() as connection:
        found = await dockets.load(connection, ticket.id)  # type: ignore[attr-defined]
    assert found is not None
    return found


def test_a_case_names_units_of_its_own_jurisdiction_that_stand_on_that_day() -> None:
    stands = Unit("s.a", "s", "甲", "other")
    ends = Unit("s.b", "s", "乙", "other", ended_on=TODAY, successor="s.a")
    units = {"s.a": stands, "s.b": ends, "t.a": Unit("t.a", "t", "丙", "other")}
    assert unfit(units, "s.a", "s", TODAY) is None
    assert unfit(units, "s.b", "s", TODAY) == "unit_ended"
    assert unfit(units, "s.b", "s", date(2025, 9, 25)) is None
    assert unfit(units, "s.c", "s", TODAY) == "unknown_unit"
    assert unfit(units, "t.a", "s", TODAY) == "jurisdiction"


async def test_a_suggested_unit_is_one_of_the_register_that_still_stands(desk: Desk) -> None:
    ticket = await desk.ticket()
    gone, coming = "shuangyashan.gone", "shuangyashan.coming"
    await desk.enter(gone, "原某局", ended_on=TODAY, successor=ZHUJIAN)
    for suggested, rule in ((gone, "unit_ended"), (coming, "unknown_unit"), ("tongjiang.zhujian", "jurisdiction")):
        answer = await desk.file(ticket, suggested_unit=suggested)
        assert answer.status_code == 422
        [field] = answer.json()["fields"]
        assert (field["field"], field["rule"]) == ("suggested_unit", rule)
    assert await ticket.told() == []
    await desk.enter(coming, "某局", function="judicial_administration")
    assert (await desk.filed(ticket, suggested_unit=coming))["state"] == "queued"
    async with desk.service.room.database.engine.connect() as connection:
        [found] = await with_function(connection, "shuangyashan", ("judicial_administration", "staffing"))
    assert (found.code, found.name) == (coming, "某局")


async def test_the_docket_follows_type_marks_parts_designation_and_who_may_read(desk: Desk) -> None:
    ticket = await desk.ticket(co_handlers=(ZHUJIAN,))
    seen = await docket_of(desk, ticket)
    assert (seen.type, seen.category, seen.marks, seen.designation) == ("complaint", "城市管理/市政道路", (), None)
    amended = TicketAmended(
        **ticket.fields(), type="inquiry", category="其他", address="某路", marks=("special",), legal_limit=None,
        changed=("type",), reason="登记有误",
    )  # fmt: skip
    below = SubAssigned(**ticket.fields(), assignment=new_id(), unit=CHENGGUAN, to_unit="shuangyashan.dadui")
    await desk.wire.deliver(amended, below, SignedIn(**ticket.fields(), unit=ZHUJIAN, part="co_handler"))
    seen = await docket_of(desk, ticket)
    assert (seen.type, seen.marks, seen.status) == ("inquiry", ("special",), "dispatched"), "its own part only"
    assert seen.readers == (CHENGGUAN, ZHUJIAN, "shuangyashan.dadui")
    await desk.wire.deliver(UnitSucceeded(**ticket.fields(), unit=ZHUJIAN, successor=YINGSHANG))
    seen = await docket_of(desk, ticket)
    assert (seen.unit, seen.co_handlers) == (CHENGGUAN, (YINGSHANG,))
    case = new_id()
    applied = RulingApplied(
        **ticket.fields(), ruling=case, kind="escalation", outcome="unit_named", new_status="dispatched",
        designated=CHENGGUAN,
    )  # fmt: skip
    await desk.wire.deliver(applied)
    seen = await docket_of(desk, ticket)
    assert (seen.designated, seen.designation) == (True, Designation(by="escalation", case=case))
    ticket.round += 1
    told = Reissued(
        **ticket.fields(), unit=CHENGGUAN, reason="不满意", previous_round=1, designated=True,
        designation=seen.designation,
    )  # fmt: skip
    await desk.wire.deliver(told)
    seen = await docket_of(desk, ticket)
    assert (seen.round, seen.designation, seen.sub_units) == (2, Designation(by="escalation", case=case), ())
