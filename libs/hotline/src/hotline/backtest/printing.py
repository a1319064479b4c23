"""A backtest as officials read it: tables of before and after."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.basis import Basis
from common.events.wording import DEADLINE_WORDS
from common.policy import Pack
from hotline.backtest.codes import WORDS, Codes, known_codes, looks_at_category, marks_looked_at
from hotline.backtest.filings import REFUSED, Filing, Ruled
from hotline.backtest.lives import Standing
from hotline.backtest.record import Head
from hotline.backtest.tally import Filed, Overdue, Says, Tally, Trial, kinds_of, overdue, rate
from hotline.words import basis, limit, local

SAID: Final[Mapping[Says, str]] = {
    "met": "按时",
    "missed": "超期",
    "overdue": "超期，未办",
    "open": "未到期",
    "stopped": "时钟停止",
    "superseded": "未判即终止",
    "none": "不设时限",
}
OUTCOMES: Final[Mapping[str, str]] = {
    "not_filed": "不得提出",
    "denied_by_rule": "规则不予通过",
    "granted_by_rule": "按规则同意",
    "person": "由审核人员决定",
    "granted": "审核同意",
    "denied": "审核不予通过",
    "lapsed": "随轮次终结",
    "pending": "尚未审核",
}
_DUTIES: Final[Mapping[str, str]] = {str(kind): word for kind, word in DEADLINE_WORDS.items()}
_CENTRE: Final = "热线主管部门"
LISTED: Final = 100
"""Rows of a list that are printed; all of them stand in the JSON."""


@dataclass(slots=True)
class Lists:
    """The first rows of each list, and how many there are in all."""

    overdue: list[Overdue] = field(default_factory=list)
    filings: list[tuple[str, Filing]] = field(default_factory=list)
    apart: list[tuple[str, str]] = field(default_factory=list)
    differences: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, trial: Trial, tally: Tally) -> None:
        self._put("overdue", overdue(trial, tally.as_of))
        self._put("apart", ((trial.number, why) for why in trial.reasons))
        self._put("differences", ((trial.number, what) for what in trial.differences))
        if trial.after is not None:
            self._put("filings", ((trial.number, one) for one in trial.after.filings if _told(one)))

    def _put(self, name: str, rows: Iterable[Any]) -> None:
        kept = getattr(self, name)
        for row in rows:
            self.counts[name] += 1
            if len(kept) < LISTED:
                kept.append(row)


def _told(one: Filing) -> bool:
    """Refused before or after, or late in one of them only."""
    refused = one.recorded.outcome in (*REFUSED, "denied") or one.again.outcome in REFUSED
    return refused or bool(one.recorded.late) != bool(one.again.late)


class Printer:
    """Tells one backtest."""

    def __init__(self, console: Console, head: Head, packs: Mapping[str, Pack], codes: Codes) -> None:
        self._console = console
        self._head = head
        self._packs = packs
        self._codes = codes
        self._pack = codes.pack

    def tell(self, tally: Tally, lists: Lists) -> None:
        if tally.tickets == 0:
            self._console.print("存档中没有所述地区、所述期间的工单。")
            return
        self._heading(tally, lists)
        self._kinds(tally)
        self._units(tally)
        self._overdue(lists)
        self._returns("退单", tally.returns)
        self._returns("延期申请", tally.extensions)
        self._filings(lists)
        self._apart(tally, lists)
        self._notes()

    def _heading(self, tally: Tally, lists: Lists) -> None:
        say = self._console.print
        own = "、".join(sorted(f"{pack.name}（{version}）" for version, pack in self._packs.items())) or "存档所载"
        pack = self._pack
        say(f"\n[bold]回溯测算[/]  拟用规则：{pack.name}（{pack.version}，{pack.effective_from}起施行）")
        say(f"原规则：{own}")
        say(
            f"工单 {tally.tickets} 件，可比 {tally.comparable} 件；截至 {local(self._head.as_of)}。"
            "记录的行为一律不变，结论全部重新判定。"
        )
        if tally.differing:
            say(f"[red]自查：以原规则重新判定，有 {tally.differing} 项与当时公布的结论不一致，以下结果不可采信：[/]")
            for number, what in lists.differences[:20]:
                say(f"[red]  {number}  {escape(what)}[/]")
        else:
            told = f"自查：以原规则重新判定 {tally.checked} 件工单的 {tally.limits_checked} 项时限，与当时公布的一致，"
            say(f"[green]{told}不一致 0 项。[/]")
        if tally.by_calendar:
            say(f"另有 {tally.by_calendar} 项时限当时按另一版日历计算，不作比较。")
        if tally.unchecked:
            say(f"[yellow]{tally.unchecked} 件工单不能自查。[/]")

    def _kinds(self, tally: Tally) -> None:
        own, other = kinds_of(self._packs.values()), kinds_of([self._pack])
        table = _table("按时率（分子为按时件，分母为已判定件；窗口期不计）", "时限", "原规则", "拟用规则", "超期未办",
                       "未判（在办、停止、终止）", "说明")  # fmt: skip
        for kind in _ordered(kind for side in (tally.before, tally.after) for _, kind in side.counts):
            then, now = tally.before.of(kind=kind), tally.after.of(kind=kind)
            note = "" if kind in own else "原规则不作要求，未必有记录"
            note = note if kind in other else "拟用规则不作要求"
            table.add_row(
                _DUTIES[kind], _rate(then), _rate(now), _pair(then, now, "overdue"), _unjudged(then, now), note
            )
        shared = own & other
        then, now = (_sum(side.counts, shared) for side in (tally.before, tally.after))
        label = "合计（两规则均有的时限）"
        table.add_row(label, _rate(then), _rate(now), _pair(then, now, "overdue"), _unjudged(then, now), "")
        self._console.print(table)

    def _units(self, tally: Tally) -> None:
        table = _table("按时率（分单位）", "单位", "时限", "原规则", "拟用规则", "超期未办", "未判（在办、停止、终止）")
        places = {*tally.before.counts, *tally.after.counts}
        for unit in sorted({unit for unit, _ in places}):
            for number, kind in enumerate(_ordered(kind for owner, kind in places if owner == unit)):
                then, now = tally.before.of(unit=unit, kind=kind), tally.after.of(unit=unit, kind=kind)
                rates = (_rate(then), _rate(now), _pair(then, now, "overdue"), _unjudged(then, now))
                table.add_row("" if number else self._unit(unit), _DUTIES[kind], *rates)
        self._console.print(table)

    def _overdue(self, lists: Lists) -> None:
        title = f"超期清单（任一规则之下超期的，共 {lists.counts['overdue']} 项）"
        table = _table(title, "工单", "单位", "时限", "轮", "办理", "原届满", "原结论", "拟用届满", "拟用结论")
        for one in lists.overdue:
            kind, unit, round_, _ = one.identity
            done = next((each.fact_at for each in (one.before, one.after) if each and each.fact_at), None)
            sides = (_due(one.before), SAID[one.said_before], _due(one.after), SAID[one.said_after])
            table.add_row(one.number, self._unit(unit or ""), _DUTIES[kind], str(round_), local(done), *sides)
        self._print(table, lists.counts["overdue"])

    def _returns(self, what: str, by_unit: Mapping[str, Filed]) -> None:
        if not by_unit:
            return
        then = ("原：规则不予通过", "原：审核不予通过", "原：同意")
        now = ("拟用：规则不予通过或者不得提出", "其中原已同意", "改由审核人员决定")
        table = _table(f"{what}（分单位）", "单位", "件数", "超期 原→拟用", *then, *now)
        for unit, one in sorted(by_unit.items()):
            lateness = f"{one.late_before}→{one.late_after}"
            figures = (
                one.by_rule_before,
                one.denied_before,
                one.granted_before,
                one.refused_after,
                one.undone,
                one.to_person,
            )
            table.add_row(self._unit(unit), str(one.filed), lateness, *map(str, figures))
        self._console.print(table)

    def _filings(self, lists: Lists) -> None:
        if not lists.filings:
            return
        table = _table("未获通过的退单和延期申请，以及超期与否有变的", "工单", "单位", "事项", "提出", "原结果",
                       "拟用结果", "依据（拟用）")  # fmt: skip
        for number, one in lists.filings:
            table.add_row(
                number,
                self._unit(one.unit),
                "退单" if one.what == "return" else "延期",
                local(one.filed_at),
                _ruled(one.recorded),
                _ruled(one.again)
                + ("（原已同意，此后各轮仍按记录判定）" if one.undone and one.what == "return" else ""),
                escape("；".join(filter(None, (one.again.note, _cited(one.again.basis))))),
            )
        self._print(table, lists.counts["filings"])

    def _apart(self, tally: Tally, lists: Lists) -> None:
        if not lists.apart:
            return
        table = _table("不可比的工单（前后各项均不计入）", "原因", "件数")
        for why, times in tally.reasons.most_common():
            table.add_row(escape(why), str(times))
        self._console.print(table)
        shown = [number for number, _ in lists.apart]
        self._console.print(f"不可比的工单：{'、'.join(dict.fromkeys(shown))}" + ("……" if len(shown) == LISTED else ""))

    def _notes(self) -> None:
        say = self._console.print
        for (dimension, code), read_as in sorted(self._codes.used.items()):
            known = known_codes(self._pack, dimension)
            if read_as in known and read_as == code:
                continue
            how = f"按{known[read_as].label}（{read_as}）" if read_as in known else "不作为任何情形的条件"
            say(f"对照：{WORDS[dimension]} {code} 在拟用规则下{how}判定。")
        own_marks = {mark for pack in self._packs.values() for mark in pack.ticket.marks}
        if lacking := sorted(marks_looked_at(self._pack) - own_marks):
            labels = "、".join(f"{self._pack.ticket.marks[code].label}（{code}）" for code in lacking)
            say(f"拟用规则另按标记 {labels} 区分时限，原规则下不登记，均按未标记的判定。")
        if looks_at_category(self._pack):
            say("拟用规则按诉求类别区分时限；类别按登记时的名称判断，两地名称不一的，结果仅供参考。")
        say("审核人员的裁量、改派之后由谁承办，均按记录；当时因不合规则而未能提出的，没有记录，不在其内。")

    def _unit(self, code: str) -> str:
        named = {unit.code: unit.name for pack in self._packs.values() for unit in pack.units}
        return self._head.units.get(code) or named.get(code) or code or _CENTRE

    def _print(self, table: Table, of: int) -> None:
        self._console.print(table)
        if of > LISTED:
            self._console.print(f"以上为前 {LISTED} 项；全部 {of} 项见 --json 所写的文件。")


def _ordered(kinds: Iterable[str]) -> list[str]:
    found = set(kinds)
    return [kind for kind in _DUTIES if kind in found]


def _sum(counts: Mapping[tuple[str, str], Counter[Says]], kinds: Collection[str]) -> Counter[Says]:
    found: Counter[Says] = Counter()
    for (_, kind), counted in counts.items():
        if kind in kinds:
            found += counted
    return found


def _rate(counted: Counter[Says]) -> str:
    """The exact fraction, and in hundredths of a percent, cut off."""
    met, judged = rate(counted)
    if not judged:
        return "—"
    hundredths = met * 10_000 // judged
    return f"{met}/{judged}（{hundredths // 100}.{hundredths % 100:02d}%）"


def _pair(then: Counter[Says], now: Counter[Says], what: Says) -> str:
    return f"{then[what]}→{now[what]}"


def _unjudged(then: Counter[Says], now: Counter[Says]) -> str:
    sides = ("、".join(str(side[what]) for what in ("open", "stopped", "superseded")) for side in (then, now))
    return "→".join(sides)


def _due(one: Standing | None) -> str:
    return "" if one is None else limit(one.due_at)


def _ruled(one: Ruled) -> str:
    return OUTCOMES[one.outcome] + ("（超期）" if one.late else "")


def _cited(bases: Iterable[Basis]) -> str:
    return basis([one.model_dump() for one in bases])


def _table(title: str, *heads: str) -> Table:
    """Nothing is cut off: the last column goes on in the next line."""
    table = Table(title=title)
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head not in (heads[-1], "单位"))
    return table
