"""Two lives that the circular does not tell: a return that a reviewer denies, and a case that is handled again."""

from hotline.demo.stories import Story

_WHY = {"assumed": True, "reason": "测试"}


def _at(day: int, hour: int) -> dict[str, object]:
    return {"at": f"2024-07-{day:02d}T{hour:02d}:00:00+08:00", **_WHY}


def _registered(day: int, type: str, statement: str) -> dict[str, object]:
    return {
        **_at(day, 9),
        "who": "softphone",
        "does": "register",
        "channel": "phone",
        "type": type,
        "category": "城市管理/市政道路",
        "statement": statement,
        "address": "示例路1号",
    }


_SATISFIED = {"outcome": "reached", "responded": True, "resolved": True, "satisfaction": "satisfied"}
_DISSATISFIED = {"outcome": "reached", "responded": True, "resolved": False, "satisfaction": "dissatisfied"}

DENIED = Story.model_validate(
    {
        "story": "退单不予同意",
        "place": "测试",
        "told": "单位退单，审核人员认定属于其职责，按首次接到的时间继续办理。",
        "steps": [
            _registered(3, "help", "窨井盖松动。"),
            {**_at(3, 10), "who": "dispatcher", "does": "assign", "unit": "chengjian", "principle": "function"},
            {**_at(3, 11), "who": "chengjian", "does": "sign_in"},
            {
                **_at(4, 9),
                "who": "chengjian",
                "does": "return",
                "ground": "not_this_units_duty",
                "why": "井盖产权属于供水企业。",
                "legal_basis": "产权登记",
                "suggested_unit": "zhujian",
            },
            {
                **_at(8, 9),
                "who": "reviewer",
                "does": "rule",
                "decision": "deny",
                "ground": "unit_duty_whole_or_part",
                "note": "日常养护属于你单位。",
            },
            {**_at(10, 16), "who": "chengjian", "does": "close", "result": "井盖已更换。"},
            {**_at(11, 9), "who": "agent", "does": "callback", **_SATISFIED},
        ],
    }
)
REDONE = Story.model_validate(
    {
        "story": "不满意再次办理",
        "place": "测试",
        "told": "回访不满意且诉求合理，退回承办单位再次办理。",
        "steps": [
            _registered(3, "inquiry", "何时恢复通车。"),
            {**_at(3, 10), "who": "dispatcher", "does": "assign", "unit": "zhujian", "principle": "function"},
            {**_at(4, 10), "who": "zhujian", "does": "sign_in"},
            {**_at(8, 10), "who": "zhujian", "does": "close", "result": "请等待通知。"},
            {**_at(9, 10), "who": "agent", "does": "callback", **_DISSATISFIED},
            {
                **_at(9, 15),
                "who": "reviewer",
                "does": "judge",
                "outcome": "redo",
                "ground": "dissatisfied_and_reasonable",
                "why": "没有回答何时通车。",
            },
            {**_at(10, 9), "who": "zhujian", "does": "sign_in"},
            {**_at(11, 9), "who": "zhujian", "does": "close", "result": "7月20日恢复通车。"},
            {**_at(12, 9), "who": "agent", "does": "callback", **_SATISFIED},
        ],
    }
)
