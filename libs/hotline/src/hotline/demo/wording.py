"""What the demo prints in Chinese for what the suite's interfaces say in codes."""

from collections.abc import Mapping
from typing import Any

from common.events.wording import DEADLINE_WORDS, STATUS_WORDS
from hotline.words import basis, limit, local

__all__ = ["DEEDS", "DUTIES", "EVENTS", "FORMS", "ROLES", "STATES", "basis", "designated", "limit", "local", "verdict"]

DEEDS: Mapping[str, str] = {
    "register": "登记",
    "assign": "派单",
    "sign_in": "签收",
    "contact": "联系诉求人",
    "progress": "报告进展",
    "close": "提交办结报告",
    "return": "退单",
    "rule": "审核退单",
    "callback": "回访",
    "judge": "研判回访",
    "supervise": "督办",
    "reply": "书面回复督办",
    "convene": "召集",
    "opinion": "发表意见",
    "minutes": "记录纪要",
    "conclude": "作出结论",
}
FORMS: Mapping[str, str] = {
    "designation": "明确承办单位",
    "coordination": "协调",
    "consultation": "会商",
    "phone": "电话督办",
    "special": "专项督办",
    "superior": "上级领导",
    "department": "有关部门",
    "escalation": "专报批示",
}
ROLES: Mapping[str, str] = {
    "softphone": "话务平台",
    "agent": "话务员",
    "dispatcher": "派单员",
    "reviewer": "审核人员",
    "supervisor": "督办人员",
    "unit": "承办单位",
    "admin": "管理员",
    "system": "系统",
}
STATES: Mapping[str, str] = {
    **{str(status): word for status, word in STATUS_WORDS.items()},
    # of a return
    "pending": "待核对时限",
    "queued": "待审核",
    "approved": "审核同意",
    "applied": "审核同意，已生效",
    "denied": "不予通过",
    "overtaken": "已不能生效",
    "lapsed": "随轮次终结",
    # of a consultation
    "convened": "已召集",
    "concluded": "已作结论",
    # of a callback
    "reached": "已接通",
    "not_reached": "未接通",
}
DUTIES: Mapping[str, str] = {str(kind): word for kind, word in DEADLINE_WORDS.items()}
EVENTS: Mapping[str, str] = {
    "TicketCreated": "登记成单",
    "Dispatched": "派单",
    "SignedIn": "签收",
    "RequesterContacted": "联系诉求人",
    "ProgressReported": "进展",
    "ClosingReported": "提交办结报告",
    "Closed": "办结",
    "ClosingSentBack": "办结退回",
    "Reissued": "重新办理",
    "Archived": "归档",
    "RulingApplied": "审核决定生效",
    "RulingOvertaken": "审核决定已不能生效",
    "DeadlineSet": "设定时限",
    "DeadlineMoved": "时限变动",
    "DeadlineApproaching": "黄灯",
    "DeadlineBreached": "红灯",
    "BreachWithdrawn": "红灯撤销",
    "DeadlineMet": "按时",
    "DeadlineMissed": "超期",
    "DeadlineStopped": "时限停止",
    "DeadlineResumed": "时限恢复",
    "Returned": "退单",
    "ReturnApproved": "退单同意",
    "ReturnDenied": "退单不予通过",
    "ReturnLapsed": "退单随轮次终结",
    "SupervisionIssued": "督办",
    "SupervisionReplied": "督办回复",
    "ConsultationConvened": "召集",
    "OpinionGiven": "意见",
    "MinutesRecorded": "会商纪要",
    "ConsultationConcluded": "结论",
    "NoticeIssued": "通报",
    "ReferralPrepared": "提请移交追责",
    "ReferralSent": "移交追责",
    "UnitNotified": "提醒送达情况",
    "CallbackRecorded": "回访",
    "CallbackJudged": "回访研判",
}


def designated(found: Mapping[str, Any] | None) -> str:
    """By whom the unit had been named, before the clause that it rests on."""
    return f"经{FORMS[found['by']]}指定：" if found else ""


def verdict(deadline: Mapping[str, Any]) -> str:
    """What became of a deadline."""
    if deadline["verdict"] is not None:
        return {"met": "按时", "missed": "超期"}[deadline["verdict"]]
    if deadline["state"] == "breached":
        return "超期，未办"
    if deadline["state"] == "superseded":
        return "随轮次终止"
    return "无人提出" if deadline["window"] else "未到期"
