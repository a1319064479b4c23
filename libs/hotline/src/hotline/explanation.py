"""What a pack says about a situation: every limit day by day, what may be returned or extended, who decides, and by
which clause. From files alone; the services' own rules answer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.basis import Basis
from common.calendar import WorkingCalendar
from common.calendar.explain import amount
from common.clock import local_date
from common.events.wording import DEADLINE_WORDS
from common.policy import Pack, Situation
from common.policy.extensions import Extensions
from common.policy.returns import Returns
from common.policy.ruled import Effective, Ruled
from common.web.problems import invalid
from hotline.words import basis, limit, local
from sla.plan import Rules
from sla.routes.previews import Preview, Previewed, previewed

_KINDS: Final[Mapping[str, str]] = {str(kind): word for kind, word in DEADLINE_WORDS.items()}
_RUNS_FROM: Final[Mapping[str, str]] = {
    "registered": "登记",
    "dispatched": "派单",
    "signed_in": "签收",
    "returned": "提出退单",
    "convened": "召集",
    "unresolved": "会商未能解决",
    "supervised": "督办",
    "promised": "承诺",
    "closed": "办结",
    "pushed": "推送预警信息",
    "effective": "政策施行",
}
_FIELDS: Final[Mapping[str, str]] = {
    "reason": "理由",
    "legal_basis": "依据",
    "suggested_unit": "转送建议",
    "explanation": "详细情况说明",
    "plan": "办理计划",
    "papers": "相关材料",
    "head_approval": "单位负责人批准",
}
_COMMANDS: Final[Mapping[str, str]] = {"sign_in": "签收", "closing": "办结"}
_APPROVERS: Final[Mapping[str, str]] = {
    "reviewer": "审核人员",
    "unit_head": "承办单位负责人，规则不予通过的除外",
    "notice": "无须批准，告知即可，规则不予通过的除外",
}


class Says:
    """One thing that a pack says, and why."""

    def __init__(self, what: str, says: str, *because: Basis) -> None:
        self.what = what
        self.says = says
        self.because = because

    def dump(self) -> dict[str, Any]:
        return {"what": self.what, "says": self.says, "basis": _dumped(self.because)}


def explained(pack: Pack, calendar: WorkingCalendar, wanted: Preview) -> dict[str, Any]:
    """Everything as JSON-able data. ``Problem`` names field and rule of what cannot be."""
    situation = wanted.situation.situation()
    if not pack.effective.covers(local_date(wanted.from_)):
        last = f"至{pack.effective_to}" if pack.effective_to else ""
        raise invalid("at", "no_policy", f"{pack.name}的规则自{pack.effective_from}{last}施行，所述时间没有施行。")
    return {
        "policy": pack.version,
        "name": pack.name,
        "effective_from": pack.effective_from.isoformat(),
        "effective_to": pack.effective_to.isoformat() if pack.effective_to else None,
        "effective_assumed": _assumed(pack),
        "calendar": calendar.version,
        "from": wanted.from_.isoformat(),
        "situation": wanted.situation.model_dump(mode="json", exclude_defaults=True),
        "limits": [_limit(pack, one, situation, wanted) for one in previewed(Rules(pack, calendar), wanted)],
        "returns": [one.dump() for one in _returns(pack.returns)],
        "extensions": [one.dump() for one in _extensions(pack.extensions, situation)],
        "decided_by": [one.dump() for one in _deciders(pack)],
    }


def _assumed(pack: Pack) -> str | None:
    """Why the first day in force was assumed, where the document does not say it."""
    stated = pack.effective
    return stated.assumption if isinstance(stated, Effective) and stated.first_day_assumed else None


def _limit(pack: Pack, one: Previewed, situation: Situation, wanted: Preview) -> dict[str, Any]:
    """A limit as it is explained, and what the document says elsewhere about it, where it contradicts itself."""
    rule = pack.limits.deciding(one.kind, situation, local_date(wanted.from_)) if one.runs_from else None
    told = one.model_dump(mode="json", exclude_none=True, exclude={"basis", "policy", "calendar"})
    return {**told, "name": _KINDS[one.kind], **({"readings": _readings(rule)} if rule and rule.readings else {})}


def _readings(rule: Ruled) -> dict[str, Any]:
    stands = {name: said.get("source") for name, said in (rule.readings or {}).items()}
    return {"in_force": rule.in_force, "read_as": stands, "why": rule.assumption}


def _returns(returns: Returns) -> Iterator[Says]:
    """退单 (双鸭山 第十八条、第十九条): what the unit may plead, what a rule denies, what a person decides."""
    yield from (Says("可以退单", one.label, one.basis) for one in returns.grounds_for_return.values())
    for ground in returns.denial_grounds.values():
        by = "规则不予通过" if ground.decided_by == "rule" else "审核人员可以不予通过"
        yield Says(by, ground.label, ground.basis)
    yield Says("未填写即不予通过", _named(returns.denied_when_missing.value), returns.denied_when_missing.basis)
    if returns.late_window_needs is not None:
        needs = returns.late_window_needs
        yield Says("第二段期限内提出的，另须填写", _named(needs.value), needs.basis)
    reviewed = returns.late.value == "reviewed_and_marked_overdue"
    yield Says("超期退单", "仍然审核，标注超期" if reviewed else "不予审核，标注超期", returns.late.basis)
    before = "可以退单" if returns.before_sign_in.value == "allowed" else "不得退单"
    yield Says("签收前", before, returns.before_sign_in.basis)
    redo = "可以退单" if returns.redo_round_may_be_returned.value else "不得退单"
    yield Says("再次办理的", redo, returns.redo_round_may_be_returned.basis)
    blocked = "、".join(_COMMANDS[one] for one in returns.pending_blocks.value) or "照常办理"
    yield Says("审核期间" + ("不得" if returns.pending_blocks.value else ""), blocked, returns.pending_blocks.basis)
    yield Says("同意退单后", "另行转派，时限重新计算", returns.approved.basis)
    yield Says("不予通过后", "时限按首次接到工单计算", returns.denied.basis)


def _extensions(section: Extensions | None, situation: Situation) -> Iterator[Says]:
    """延期 (双鸭山 第二十条), for the situation."""
    if section is None:
        yield Says("延期", "没有延期")
        return
    if section.never is not None and section.never.when.holds(situation):
        yield Says("此种情形", "不予延期", section.never.basis)
    if situation.type in section.in_principle_none.value:
        yield Says("此类诉求", "原则上不予延期，同意的应当说明理由", section.in_principle_none.basis)
    yield Says("未填写即不予通过", _named(section.denied_when_missing.value), section.denied_when_missing.basis)
    if section.most_requests is not None:
        whose = "同一工单" if section.counted_by.value == "ticket" else "同一单位对同一工单"
        most = section.most_requests
        yield Says("次数", f"{whose}最多{most.value}次", most.basis, section.counted_by.basis)
    if section.each is not None:
        yield Says("每次一般不超过", amount(section.each.allowance), section.each.basis)
    if section.longest is not None:
        yield Says("每次一般不超过", "规定的办理时限", section.longest.basis)
    if section.total is not None:
        yield Says("合计不超过", amount(section.total.allowance), section.total.basis)
    if section.special is not None:
        spans = "、".join(amount(one.allowance) for one in section.special.spans.value)
        yield Says("特殊延期", spans, section.special.spans.basis)
        for each in section.special.formalities.values():
            yield Says("特殊延期须", each.label, each.basis)
    for ground in section.denial_grounds.values():
        by = "规则不予通过" if ground.decided_by == "rule" else "审核人员可以不予通过"
        yield Says(by, ground.label, ground.basis)
    yield Says("生效", "同意后", section.effective.basis)


def _deciders(pack: Pack) -> Iterator[Says]:
    recused = pack.returns.reviewer_recused_for_own_unit
    yield Says("退单", "审核人员" + ("，本单位提出的回避" if recused.value else ""), recused.basis)
    if pack.extensions is not None:
        by = pack.extensions.approved_by
        yield Says("延期", _APPROVERS[by.value if by else "reviewer"], *((by.basis,) if by is not None else ()))
    for ground in (pack.limits.clock_stops or {}).values():
        yield Says(f"停止计时：{ground.label}", _APPROVERS[ground.agreed_by], ground.basis)


def _named(fields: Iterable[str]) -> str:
    return "、".join(_FIELDS.get(field, field) for field in fields) or "无"


def _dumped(bases: Iterable[Basis]) -> list[dict[str, Any]]:
    return [one.model_dump(exclude_none=True) for one in bases]


def tell(told: Mapping[str, Any], console: Console) -> None:
    """The same in Chinese, to be read."""
    until = f"至{told['effective_to']}" if told["effective_to"] else "起"
    console.print(f"[bold]{told['name']}[/]（{told['policy']}，{told['effective_from']}{until}施行）")
    if told["effective_assumed"]:
        console.print(f"施行日期是推定的：{escape(told['effective_assumed'])}")
    console.print(f"起算事实发生于 {local(told['from'])}")
    summary = Table(title="时限")
    for head in ("时限", "起算", "期限", "届满", "亮黄灯", "依据"):
        summary.add_column(head, overflow="fold", no_wrap=head != "依据")
    for one in told["limits"]:
        ends = limit(one["due_at"]) if "due_at" in one else "不设时限"
        runs_from = _RUNS_FROM.get(one.get("runs_from", ""), "")
        row = (one["name"], runs_from, one.get("allowance", ""), ends, local(one.get("warn_at")))
        summary.add_row(*row, escape(basis(one["bases"])))
    console.print(summary)
    for one in told["limits"]:
        console.print(f"\n[bold]{one['name']}[/]")
        for sentence in one["text"]:
            console.print(f"  {escape(sentence)}")
        if "readings" in one:
            console.print(f"  {escape(_contradiction(one['readings']))}")
    for title, name in (("退单", "returns"), ("延期", "extensions"), ("由谁决定", "decided_by")):
        table = Table(title=title)
        for head in ("事项", "规定", "依据"):
            table.add_column(head, overflow="fold", no_wrap=head == "事项")
        for one in told[name]:
            table.add_row(one["what"], one["says"], escape(basis(one["basis"])))
        console.print(table)


def _contradiction(readings: Mapping[str, Any]) -> str:
    stands = "；".join(
        f"{source['article']}“{source['quote']}”{'（现行）' if name == readings['in_force'] else ''}"
        for name, source in readings["read_as"].items()
        if source
    )
    return f"文件前后不一：{stands}。取舍理由：{readings['why'] or '未写明'}"
