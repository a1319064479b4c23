"""What the demo shows: each step as it is answered, the stories as the suite tells them, the table of limits."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.policy import Pack

from . import wording
from .comparison import NOW, THEN, Side, compared
from .player import Ended, Played
from .stories import Assign, Collection, Conclude, Convene, Register, Return, Step, Supervise
from .timeline import Moved

_LONG = ("历时", "由谁承办", "超期")
_COLOURS = {"按时": "green", "超期": "red", "超期，未办": "red"}


class Printer:
    """Prints on a console; ``names`` are the units' names by full code."""

    def __init__(self, console: Console, names: Mapping[str, str]) -> None:
        self._console = console
        self._names = names

    def shifts(self, collection: Collection, cases: Sequence[Moved], policy: str) -> None:
        """Where the stories come from and by how many weeks each is moved."""
        source = collection.source
        self._console.print(f"实例取自{source.issued_by}《{source.document}》，按{policy}办理；结果由系统决定。")
        table = _table("每件整周顺延到规则施行之后", "案件", "通报", "原起始", "顺延", "演示起始", "通报所说")
        for moved in cases:
            first = moved.story.steps[0].at
            table.add_row(
                moved.story.story,
                moved.story.place,
                wording.local(first)[:10],
                f"{moved.weeks}周",
                wording.local(moved.at(first))[:10],
                moved.story.told,
            )
        self._console.print(table)

    def step(self, played: Played, moved: Moved) -> None:
        """One attempt and what the suite said to it."""
        step, answer = played.scene.step, played.answer
        who = wording.ROLES.get(step.who) or self._unit(step.who)
        deed = self._deed(step)
        mark = "†" if step.under_suite else "*" if step.assumed else " "
        line = f"{wording.local(played.scene.at)}{mark} {moved.story.story}  {who} {deed}"
        if answer is None:
            self._console.print(f"{escape(line)}  [yellow]○ 没有待办的事项：系统此前已作决定[/]")
        elif answer.done:
            told = answer.body.get("number", "") if isinstance(step, Register) else ""
            state = answer.body.get("status") or answer.body.get("state") or answer.body.get("outcome") or ""
            decided = wording.basis((answer.body.get("decision") or {}).get("basis"))
            said = "  ".join(part for part in (told, wording.STATES.get(state, state), decided) if part)
            self._console.print(f"{escape(line)}  [green]✓ {escape(said)}[/]")
        elif isinstance(step, Return) and answer.status == 404:
            self._console.print(f"{escape(line)}  [yellow]✗ 不持有该工单，无从退回[/]")
        else:
            fields = "；".join(f"{one['field']}：{one['message']}" for one in answer.body.get("fields", ()))
            title = "  ".join(filter(None, (answer.body.get("title", ""), answer.body.get("detail", ""), fields)))
            cited = wording.basis(answer.body.get("basis"))
            said = f"✗ {answer.status} {answer.code} {title} {cited}"
            self._console.print(f"{escape(line)}  [yellow]{escape(said)}[/]")

    def _unit(self, code: str) -> str:
        return next((name for full, name in self._names.items() if full.endswith(f".{code}")), code)

    def _deed(self, step: Step) -> str:
        deed = wording.DEEDS[step.does]
        match step:
            case Assign():
                return f"{deed} → {self._unit(step.unit)}"
            case Supervise():
                return "会商督办" if step.form == "consultation" else wording.FORMS[step.form]
            case Convene():
                return f"{deed}{wording.FORMS[step.form]}"
            case Conclude():
                return f"{deed}：{self._unit(step.unit)}主办"
        return deed

    def heard(self, unit: str, line: Mapping[str, Any]) -> None:
        """One event that the unit's own program consumed."""
        name = wording.EVENTS.get(line["type"], line["type"])
        told = f"        {self._names.get(unit, unit)}的程序自总线收到 #{line['seq']} {name} {line['number'] or ''}"
        self._console.print(f"[dim]{escape(told)}[/]")

    def stories(self, endings: Sequence[Ended]) -> None:
        """Each case's timeline, as intake tells it."""
        for ended in endings:
            story, number = ended.case.moved.story, ended.ticket["number"]
            state = wording.STATES.get(ended.ticket["status"], ended.ticket["status"])
            self._console.print(f"\n[bold]{escape(story.story)}[/]  {number}  现状：{state}")
            for entry in ended.timeline:
                actor = entry["actor"]
                who = self._names.get(actor.get("unit") or "", wording.ROLES[actor["role"]])
                what = wording.EVENTS.get(entry["type"], entry["type"])
                detail = "；".join(self._detail(entry))
                self._console.print(escape(f"  {wording.local(entry['occurred_at'])}  {who}  {what}  {detail}"))

    def _detail(self, entry: Mapping[str, Any]) -> Iterator[str]:
        data = entry["data"]
        if entry["type"] in ("Dispatched", "Reissued"):
            yield f"{self._names.get(data['unit'], data['unit'])}，第{entry['round']}轮"
        if entry["type"] == "DeadlineSet":
            yield "，".join(
                f"{wording.DUTIES.get(row['kind'], row['kind'])}至{wording.limit(row['due_at'])}"
                for row in data["deadlines"]
            )
        elif "due_at" in data:
            yield f"{wording.DUTIES.get(data['kind'], data['kind'])}（{wording.limit(data['due_at'])}届满）"
        if entry["type"] == "ConsultationConcluded" and data["unit"]:
            yield f"{self._names.get(data['unit'], data['unit'])}主办"
        if entry["type"] in ("ReturnDenied", "ReturnApproved", "CallbackJudged", "ConsultationConcluded"):
            yield wording.basis(entry["basis"])

    def table(self, endings: Sequence[Ended]) -> None:
        """Every limit of every case: when it was due, what happened when, and by which clause."""
        rows = [
            (ended, one)
            for ended in endings
            for one in ended.deadlines
            if not (one["window"] and one["verdict"] is None)
        ]
        cited = {one["basis"]["document"] for _, one in rows if one["basis"].get("document")}
        silent = cited if len(cited) == 1 else set()
        table = _table(f"按时与超期{_by(silent)}", "案件", "工单", "轮", "单位", "时限", "届满", "事实", "结果", "依据")
        for ended, one in rows:
            outcome = wording.verdict(one)
            table.add_row(
                ended.case.moved.story.story,
                ended.ticket["number"],
                str(one["round"]),
                self._names.get(one["unit"] or "", one["unit"] or "热线主管部门"),
                wording.DUTIES.get(one["kind"], one["kind"]),
                wording.limit(one["due_at"]),
                wording.local(one["fact_at"]),
                f"[{_COLOURS.get(outcome, 'dim')}]{outcome}[/]",
                escape(wording.basis([one["basis"]], silent=silent)),
            )
        self._console.print(table)
        if any(one["state"] == "breached" for _, one in rows):
            self._console.print("“超期，未办”：通报讲到此为止，演示中此后无人办理，时钟拨过时限所致。")
        self._returns(endings)

    def _returns(self, endings: Sequence[Ended]) -> None:
        rows = [(ended, one, one["decision"] or {}) for ended in endings for one in ended.returns]
        cited = {one["document"] for *_, made in rows for one in made.get("basis", ()) if one.get("document")}
        silent = cited if len(cited) == 1 else set()
        table = _table(f"退单{_by(silent)}", "案件", "轮", "单位", "退单时间", "窗口", "结果", "依据")
        for ended, one, made in rows:
            table.add_row(
                ended.case.moved.story.story,
                str(one["round"]),
                self._names.get(one["unit"], one["unit"]),
                wording.local(one["filed_at"]),
                {True: "[red]超期[/]", False: "[green]按时[/]", None: ""}[one["late"]],
                wording.STATES.get(one["state"], one["state"]) + ("（按规则）" if made.get("by_rule") else ""),
                escape(wording.designated(made.get("designation")) + wording.basis(made.get("basis"), silent=silent)),
            )
        self._console.print(table)

    def comparison(self, endings: Sequence[Ended]) -> None:
        """The closing page: each case as the document tells it, and as it went under the suite."""
        table = _table("通报所述与本系统之下", "案件", "", "转派", "历时", "由谁承办", "超期", "缘由")
        for one in compared(endings, self._names):
            sides: list[tuple[str, Side]] = [(THEN, one.then)] if one.then is not None else []
            for number, (label, side) in enumerate((*sides, (NOW, one.now))):
                told = (side.moves, side.lasted, side.held_by, side.late, side.why)
                table.add_row("" if number else one.case, label, *map(escape, told), end_section=label == NOW)
        self._console.print(table)
        self._console.print("指定之后何时办结取决于承办单位，通报没有写，推定在所定时限内；其余为系统依规则作出。")

    def notices(self, told: Sequence[Mapping[str, Any]], rules: Pack) -> None:
        """What units were told at once; the demo has no gateway, so that nobody's telephone rings."""
        occasions = rules.notices.occasions if rules.notices else {}
        counted = Counter(occasions[one["occasion"]].label for one in reversed(told))
        listed = "、".join(f"{label}{times}" for label, times in counted.items())
        self._console.print(f"对单位的提醒 {len(told)} 条（演示未接短信网关，留存未发）：{listed}")

    def unit(self, unit: str, heard: Sequence[Mapping[str, Any]], feed: int) -> None:
        """What the unit's own program saw, beside what its feed holds over HTTP."""
        kinds: dict[str, int] = {}
        for line in heard:
            name = wording.EVENTS.get(line["type"], line["type"])
            kinds[name] = kinds.get(name, 0) + 1
        told = "、".join(f"{name}{count}" for name, count in kinds.items())
        self._console.print(
            f"{self._names.get(unit, unit)}的程序自总线收到 {len(heard)} 个事件（接口推送 {feed} 个）：{told}"
        )


def _by(documents: set[str]) -> str:
    return "".join(f"（依据：《{document}》）" for document in documents)


def _table(title: str, *heads: str) -> Table:
    """Nothing is cut off: the last column, and long ones, go on in the next line."""
    table = Table(title=title)
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head not in (heads[-1], *_LONG))
    return table
