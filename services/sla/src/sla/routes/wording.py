"""What is wrong with a year or a pack, in officials' words; the developers' sentence goes beside it as a hint."""

import re
from collections.abc import Iterator
from typing import Final

from common.calendar import Fault
from common.policy.refusals import Finding
from common.web.problems import FieldError, field_name

_DAY: Final = r"(\d{4}-\d\d-\d\d)"
_FAULTS: Final = (
    (
        r"a correction is published after what it corrects, in order",
        "更正通知的印发日期不得早于被更正的通知，且须按先后排列。",
    ),
    (rf"{_DAY} cannot be taken back: it was not so arranged", "{0}原来没有这样安排，不能取消。"),
    (rf"a notice of {_DAY} does not arrange (\d+)", "{0}印发的通知不能安排{1}年的放假。"),
    (rf"(.+) ends on {_DAY}, before it begins on {_DAY}", "{0}的截止日期{1}早于起始日期{2}。"),
    (rf"{_DAY} is not a day that the arrangement for (\d+) can speak of", "{0}不属于{1}年放假安排的范围。"),
    (rf"{_DAY} is a day off twice: (.+) and (.+)", "{0}重复列为放假：{1}、{2}。"),
    (rf"{_DAY} is both a day off \((.+)\) and a make-up working day", "{0}既列为放假（{1}），又列为调休上班。"),
    (
        rf"{_DAY} is a \w+: only a Saturday or Sunday can be made a working day",
        "{0}不是星期六或者星期日，不能列为调休上班。",
    ),
    (rf"{_DAY} is a make-up working day twice", "{0}重复列为调休上班。"),
)


def of_fault(fault: Fault) -> FieldError:
    """A fault of a year. Those of a kind not known here are told by their place."""
    field = field_name(fault.path)
    for pattern, sentence in _FAULTS:
        if found := re.fullmatch(pattern, fault.sentence):
            return FieldError(field, "calendar", sentence.format(*found.groups()), fault.sentence)
    return FieldError(field, "calendar", f"位置 {field} 有误。", fault.sentence)


def of_finding(finding: Finding) -> FieldError:
    """A finding in a pack: where it is; what is wrong there is the developers' sentence."""
    where = "".join(_where(finding))
    return FieldError("content", "pack", f"规则包{where}有误，详见开发人员说明。", finding.sentence)


def _where(finding: Finding) -> Iterator[str]:
    if finding.file is not None:
        yield f"文件 {finding.file.parent.name}/{finding.file.name} "
        if finding.line is not None:
            yield f"第 {finding.line} 行"
    elif place := re.match(r"[a-z_]+(\.[\w-]+)+(?=:)|[a-z_]+(?=:)", finding.sentence):
        yield f"位置 {place.group()} "
