"""What officials call the words that stand on the wire: one place for all services and pages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from common.events.vocabulary import DeadlineKind, Status

STATUS_WORDS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        "awaiting_dispatch": "待派单",
        "dispatched": "待签收",
        "signed_in": "办理中",
        "closing_filed": "待审核办结",
        "closed": "待回访",
        "archived": "已归档",
        "withdrawn": "已撤单",
        "merged": "已并单",
        "stopped": "停止办理",
    }
)
DEADLINE_WORDS: Final[Mapping[DeadlineKind, str]] = MappingProxyType(
    {
        "level1_contact": "中心先行联系",
        "first_contact": "先行联系",
        "sign_in": "签收",
        "first_response": "初步响应",
        "progress": "进度反馈",
        "closing": "办结",
        "closing_whole": "全程办结",
        "promised": "承诺办理",
        "co_handler_part": "协办",
        "ruling": "退单审核",
        "designation": "明确承办单位",
        "coordination": "协调",
        "consultation": "会商",
        "convening": "召集会商",
        "escalation": "专报",
        "supervision_reply": "督办回复",
        "push_feedback": "推送反馈",
        "callback": "回访",
        "knowledge_update": "知识更新",
        "look_back": "回头看",
        "return_window": "退单期限",
        "return_late_window": "逾期退单期限",
        "extension_window": "延期申请期限",
        "special_extension_window": "特别延期申请期限",
        "latest_extension": "延期上限",
    }
)
