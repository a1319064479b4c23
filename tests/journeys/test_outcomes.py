"""What became of the cases is what an independent computation says, and what the demo prints."""

from io import StringIO

from rich.console import Console
from tests.journeys.conftest import Journey
from tests.journeys.reckoning import expected
from tests.journeys.table import told

from hotline.demo.printing import Printer
from hotline.demo.wording import limit


async def test_the_table_is_what_an_independent_computation_says(journey: Journey) -> None:
    assert told(journey.endings) == expected(journey.shown.cases)


async def test_every_line_names_the_clause_it_rests_on(journey: Journey) -> None:
    for ended in journey.endings:
        for one in ended.deadlines:
            assert one["basis"]["document"] == "双鸭山市12345政务服务便民热线运行管理办法"
            assert one["basis"]["article"].startswith({"return_window": "第十八条"}.get(one["kind"], "第十六条"))
            assert one["basis"]["quote"]
            assert not one["provisional"]
            assert not one["unconfirmed"]


async def test_every_attempt_was_taken_but_the_ruling_on_what_a_rule_had_denied(journey: Journey) -> None:
    left_over = [
        (journey.shown.cases[played.scene.case].story.story, played.scene.step.does)
        for played in journey.played()
        if played.answer is None or not played.answer.done
    ]
    assert left_over == [("凤凰名店人行路", "rule")]


async def test_the_late_return_is_reviewed_and_marked_overdue(journey: Journey) -> None:
    ended = journey.ended("沥青喷洒")
    (filed,) = ended.returns
    assert (filed["state"], filed["late"], filed["decision"]["by_rule"]) == ("applied", True, False)
    assert "超期退回的视为超期办理件" in {basis["quote"] for basis in filed["decision"]["basis"]}
    assert ended.ticket["status"] == "dispatched"
    assert ended.ticket["unit"] == "shuangyashan.zhujian"
    assert {one.case.moved.story.story for one in journey.endings if "overdue" in one.ticket["marks"]} == {"沥青喷洒"}


async def test_the_return_without_a_legal_basis_is_denied_by_rule_at_once(journey: Journey) -> None:
    ended = journey.ended("凤凰名店人行路")
    first, second = sorted(ended.returns, key=lambda one: str(one["filed_at"]))
    assert (first["state"], first["late"]) == ("applied", False)
    assert (second["state"], second["decision"]["by_rule"]) == ("denied", True)
    assert second["decision"]["basis"][0]["article"] == "第十九条（二）"
    assert (ended.ticket["unit"], ended.ticket["round"]) == ("shuangyashan.xinglong", 2)


async def test_the_demo_prints_every_line_of_the_table_and_every_story(journey: Journey) -> None:
    page = StringIO()
    printer = Printer(Console(file=page, width=200), journey.shown.names)
    printer.stories(journey.endings)
    printer.table(journey.endings)
    printed = page.getvalue()
    for ended in journey.endings:
        assert f"{ended.case.moved.story.story}  {ended.ticket['number']}  现状" in printed
    lines = [line for line in printed.splitlines() if line.startswith("│")]
    for row in told(journey.endings):
        number = journey.case(row.story).number or ""
        words = {"met": "按时", "missed": "超期", "superseded": "随轮次终止", "late, nothing done": "超期，未办"}
        wanted = (number, limit(row.due_at), words[row.ended])
        assert [line for line in lines if all(word in line for word in wanted)], wanted
