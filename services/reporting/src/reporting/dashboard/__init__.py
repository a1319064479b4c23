"""The first page: what is going on, live."""

import json
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from common.events.wording import DEADLINE_WORDS, STATUS_WORDS
from common.web.routing import router

_NAMES = {
    "work_order": "派发工单",
    "answered": "直接答复",
    "declined": "不予受理",
    "transferred": "转接",
    "overdue": "超期办理件",
    "returned": "退单申请",
    "return_approved": "同意退单",
    "return_denied": "不同意退单",
    "return_late": "超期退单",
    "extension_requested": "延期申请",
    "extension_granted": "同意延期",
    "extension_denied": "不同意延期",
    "consultation_convened": "召集协调、会商",
    "consultation_concluded": "形成结论",
    "consultation_unresolved": "协调、会商未果",
    "consultation_open": "尚未结束的协调、会商",
    "escalated": "专报",
    "escalation_decided": "专报批复",
    "supervision_phone": "电话督办",
    "supervision_consultation": "会商督办",
    "supervision_special": "专项督办",
    "supervision_replied": "督办回复",
    "urged": "催单",
    "notice_issued": "通报",
    "prompt_issued": "工作提示",
    "talk_issued": "约谈提醒",
    "referral_prepared": "拟移交",
    "referral_sent": "移交有权机关",
    "responded": "响应率",
    "resolved": "解决率",
    "satisfaction": "满意率",
}
_WORDS: dict[str, str] = {
    **_NAMES,
    **{f"status {status}": word for status, word in STATUS_WORDS.items()},
    **{f"duty {kind}": word for kind, word in DEADLINE_WORDS.items()},
}
_PAGE = (
    files(__name__)
    .joinpath("page.html")
    .read_text(encoding="utf-8")
    .replace("/*NAMES*/{}", json.dumps(_WORDS, ensure_ascii=False))
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def dashboard_routes() -> APIRouter:
    routes = router(include_in_schema=False)

    @routes.get("/")
    async def first_page() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})

    return routes
