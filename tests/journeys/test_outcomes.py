"""What became of the cases is what an independent computation says, and what the demo prints."""

from io import StringIO

from rich.console import Console
from tests.journeys.conftest import Journey
from tests.journeys.reckoning import expected
from tests.journeys.table import told

from hotline.demo.comparison import compared
from hotline.demo.player import Ended
from hotline.demo.printing import Printer
from hotline.demo.wording import limit

ARTICLES = {
    "return_window": "第十八条",
    **dict.fromkeys(("ruling", "coordination", "consultation", "designation"), "第十五条"),
}


async def test_the_table_is_what_an_independent_computation_says(journey: Journey) -> None:
    assert told(journey.endings) == expected(journey.shown.cases)


async def test_every_line_names_the_clause_it_rests_on(journey: Journey) -> None:
    for ended in journey.endings:
        for one in ended.deadlines:
            assert one["basis"]["document"] == "双鸭山市12345政务服务便民热线运行管理办法"
            concluded = one["unit"] == "shuangyashan.xinglong" and one["kind"] in ("closing", "extension_window")
            article = "第三十二条（二）" if concluded else ARTICLES.get(one["kind"], "第十六条")
            assert one["basis"]["article"].startswith(article)
            assert one["basis"]["quote"]
            assert not one["provisional"]
            assert not one["unconfirmed"]


async def test_every_attempt_was_taken_but_what_nobody_could_do_any_more(journey: Journey) -> None:
    left_over = [
        (journey.shown.cases[played.scene.case].story.of_case, played.scene.step.who, played.scene.step.does)
        for played in journey.played()
        if played.answer is None or not played.answer.done
    ]
    assert left_over == [
        ("凤凰名店人行路", "reviewer", "rule"),  # a rule had denied it already
        # whose the ticket is not has nothing to return
        *[("凤凰名店人行路", "chengjian", "return")] * 4,
        ("美吉姆早教退费", "jiaoyu", "return"),
        ("美吉姆早教退费", "wenguang", "return"),
    ]
    refused = {played.answer.status for played in journey.played() if played.answer and not played.answer.done}
    assert refused == {404}


async def test_the_late_return_is_reviewed_and_marked_overdue(journey: Journey) -> None:
    ended = journey.ended("沥青喷洒")
    (filed,) = ended.returns
    assert (filed["state"], filed["late"], filed["decision"]["by_rule"]) == ("applied", True, False)
    assert "超期退回的视为超期办理件" in {basis["quote"] for basis in filed["decision"]["basis"]}
    assert ended.ticket["status"] == "dispatched"
    assert ended.ticket["unit"] == "shuangyashan.zhujian"
    overdue = {one.case.moved.story.story for one in journey.endings if "overdue" in one.ticket["marks"]}
    assert overdue == {"沥青喷洒", "凤凰名店人行路"}  # 兴隆街道被指定后的退单，都在时限之后


def denials(ended: Ended) -> list[tuple[str, str, str, str | None]]:
    """Unit, by rule or not, clause, and what had designated the unit."""
    return [
        (
            one["unit"].partition(".")[2],
            "rule" if one["decision"]["by_rule"] else "person",
            one["decision"]["basis"][0]["article"],
            (one["decision"]["designation"] or {}).get("by"),
        )
        for one in sorted(ended.returns, key=lambda one: str(one["filed_at"]))
        if one["state"] == "denied"
    ]


async def test_of_nine_moves_one_is_made_and_after_the_binding_designation_none(journey: Journey) -> None:
    ended = journey.ended("凤凰名店人行路")
    assert [one["state"] for one in ended.returns].count("applied") == 1
    assert denials(ended) == [
        ("xinglong", "rule", "第十九条（二）", None),
        *[("xinglong", "rule", "第十九条（四）", "coordination")] * 3,
    ]
    (coordination,) = ended.consultations
    assert (coordination["state"], coordination["conclusion"]["unit"]) == ("applied", "shuangyashan.xinglong")
    last = [one for one in ended.returns if one["state"] == "denied"][-1]["decision"]["designation"]
    assert last["case"] == coordination["id"]
    assert (ended.ticket["unit"], ended.ticket["round"], ended.ticket["status"]) == (
        "shuangyashan.xinglong",
        2,
        "closed",
    )
    closing = next(one for one in ended.deadlines if (one["kind"], one["round"]) == ("closing", 2))
    assert (closing["verdict"], closing["due_at"] > closing["original_due_at"]) == ("met", False)
    moved = [entry["data"] for entry in ended.timeline if entry["type"] == "DeadlineMoved"]
    assert {one["reason"] for one in moved} == {"consultation"}


async def test_the_three_bureaus_refusals_end_in_one_consultation_that_binds(journey: Journey) -> None:
    first, second, third = (journey.ended(f"美吉姆早教退费（{number}）") for number in "一二三")
    assert denials(first) == [("shichang", "rule", "第十九条（二）", None)]
    assert denials(second) == [
        ("jiaoyu", "rule", "第十九条（二）", None),
        ("shichang", "rule", "第十九条（四）", "designation"),
    ]
    assert denials(third) == [("wenguang", "rule", "第十九条（二）", None)]
    (consultation,) = first.consultations
    assert consultation["convener"] == "shuangyashan.sifaju"
    assert {"shuangyashan.sifaju", "shuangyashan.bianban", "shuangyashan.yingshang"} <= set(
        consultation["invited_by_rule"]
    )
    assert {one["unit"].partition(".")[2] for one in consultation["opinions"]} == {"shichang", "jiaoyu", "wenguang"}
    for ended in (first, second, third):
        assert (ended.ticket["unit"], ended.ticket["status"]) == ("shuangyashan.shichang", "closed")


async def test_the_closing_page_compares_every_case_with_what_the_circular_tells(journey: Journey) -> None:
    cases = {one.case: one for one in compared(journey.endings, journey.shown.names)}
    assert {case for case, one in cases.items() if one.then is None} == {"退单不予同意", "不满意再次办理"}
    pavement, refund, asphalt = (cases[one] for one in ("凤凰名店人行路", "美吉姆早教退费", "沥青喷洒"))
    assert pavement.then is not None
    assert (pavement.then.moves, pavement.now.moves) == ("9次", "1次")
    assert (pavement.then.lasted, pavement.now.lasted) == ("历时7个月", "21天")
    assert pavement.now.held_by == "区城建中心→兴隆街道"
    assert pavement.now.late == "签收超期（兴隆街道）；超期退单（兴隆街道）×3"
    assert "退单不予通过3次，第十九条（四），经协调指定" in pavement.now.why
    assert pavement.now.why.endswith("第三十四条（三）1提请移交追责兴隆街道，待人员决定")
    assert refund.then is not None
    assert (refund.then.moves, refund.now.moves, refund.now.lasted) == ("6次", "2次", "18天")
    assert asphalt.now.lasted == "通报未写此后经过，演示中未办结"
    assert cases["欠薪900元"].now.late == "无"


async def test_the_demo_prints_every_line_of_the_table_and_every_story(journey: Journey) -> None:
    page = StringIO()
    printer = Printer(Console(file=page, width=200), journey.shown.names)
    printer.stories(journey.endings)
    printer.table(journey.endings)
    printer.comparison(journey.endings)
    printed = page.getvalue()
    assert printed.count("通报所述") == 1 + 6
    for ended in journey.endings:
        assert f"{ended.case.moved.story.story}  {ended.ticket['number']}  现状" in printed
    lines = [line for line in printed.splitlines() if line.startswith("│")]
    for row in told(journey.endings):
        number = journey.case(row.story).number or ""
        words = {"met": "按时", "missed": "超期", "superseded": "随轮次终止", "late, nothing done": "超期，未办"}
        wanted = (number, limit(row.due_at), words[row.ended])
        assert [line for line in lines if all(word in line for word in wanted)], wanted
