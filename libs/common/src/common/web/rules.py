"""What each broken rule of the input is called, and how it is told to an official."""

from collections.abc import Mapping
from typing import Any, Final

_MESSAGES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("required", "必填。"),
    "extra_forbidden": ("unknown_field", "没有这个字段。"),
    "string_type": ("text", "应为文本。"),
    "string_unicode": ("text", "含有无法存储的字符。"),
    "string_too_long": ("too_long", "不得超过 {max_length} 个字。"),
    "string_too_short": ("too_short", "不得少于 {min_length} 个字。"),
    "string_pattern_mismatch": ("format", "格式不符。"),
    "int_type": ("integer", "应为整数。"),
    "int_parsing": ("integer", "应为整数。"),
    "int_from_float": ("integer", "应为整数。"),
    "int_parsing_size": ("integer", "数值过大。"),
    "float_type": ("number", "应为数字。"),
    "float_parsing": ("number", "应为数字。"),
    "finite_number": ("number", "应为有限的数字。"),
    "bool_type": ("boolean", "应为 true 或 false。"),
    "bool_parsing": ("boolean", "应为 true 或 false。"),
    "list_type": ("list", "应为列表。"),
    "tuple_type": ("list", "应为列表。"),
    "set_type": ("list", "应为列表。"),
    "too_long": ("too_many", "最多 {max_length} 项。"),
    "too_short": ("too_few", "至少 {min_length} 项。"),
    "dict_type": ("object", "应为对象。"),
    "model_type": ("object", "应为对象。"),
    "model_attributes_type": ("object", "应为对象。"),
    "literal_error": ("choice", "不在允许的取值之内：{expected}。"),
    "enum": ("choice", "不在允许的取值之内：{expected}。"),
    "uuid_type": ("uuid", "应为 UUID。"),
    "uuid_parsing": ("uuid", "应为 UUID。"),
    "date_type": ("date", "应为日期，如 2025-09-26。"),
    "date_parsing": ("date", "应为日期，如 2025-09-26。"),
    "date_from_datetime_parsing": ("date", "应为日期，如 2025-09-26。"),
    "greater_than_equal": ("minimum", "不得小于 {ge}。"),
    "greater_than": ("minimum", "应大于 {gt}。"),
    "less_than_equal": ("maximum", "不得大于 {le}。"),
    "less_than": ("maximum", "应小于 {lt}。"),
    # our own, raised by common.web.inputs
    "control_character": ("control_character", "含有不允许的控制字符。"),
    "lone_surrogate": ("text", "含有无法存储的字符。"),
    "blank": ("blank", "不得为空白。"),
    "instant": ("instant", "应为带时区的时间，如 2025-09-26T16:00:00+08:00。"),
}
_TOLD: Final = ("max_length", "min_length", "expected", "ge", "gt", "le", "lt")


def explained(error: Mapping[str, Any]) -> tuple[str, str]:
    """The rule's stable name and its sentence, for one pydantic error. Bounds are told, the value is not."""
    rule, sentence = _MESSAGES.get(str(error.get("type")), ("invalid", "不符合要求。"))
    context = error.get("ctx") or {}
    bounds = {name: context.get(name, "") for name in _TOLD}
    return rule, sentence.format(**{**bounds, "expected": _listed(str(bounds["expected"]))})


def _listed(expected: str) -> str:
    """pydantic's ``'a', 'b' or 'c'`` as a Chinese sentence lists it."""
    return expected.replace(" or ", "、").replace(", ", "、").replace("'", "")
