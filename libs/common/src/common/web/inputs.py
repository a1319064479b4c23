"""The types of what comes in: text that can be stored, instants that are instants, no unknown fields."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, WithJsonSchema
from pydantic.functional_validators import BeforeValidator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from common.clock import in_utc
from common.web.problems import Problem, invalid


class Parameters(BaseModel):
    """The base of a query's parameters, which come as text: a parameter that is not ours is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _make_exact(schema: Any, model: type[BaseModel]) -> None:
    """Mark every whole number and truth value of one model's schema as strict; a model in it stands for itself."""
    if isinstance(schema, dict):
        if schema.get("type") == "model" and schema["cls"] is not model:
            return
        if schema.get("type") in ("int", "bool"):
            schema["strict"] = True
        for part in schema.values():
            _make_exact(part, model)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _make_exact(part, model)


class ApiModel(Parameters):
    """The base of every body: a field that is not ours is an error, so that nobody sets what he may not.

    Whole numbers and truth values come as such: ``"1"``, ``1.0`` and ``true`` are no number, ``"true"``, ``1`` and
    ``"yes"`` are no truth value. What JSON has no type for (UUID, date, instant, tuple) is read from what JSON has.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _make_exact(handler.resolve_ref_schema(schema), cls)
        return schema


# What PostgreSQL's text (U+0000), XML inside DOCX and XLSX (the rest of C0) or any reader cannot hold.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """``Annotated[str, Text(500)]``: at most so many characters, stored exactly as sent.

    Refused: U+0000 and other control characters except tab and line ends, lone surrogates, and, unless ``shortest`` is
    0, text of nothing but blanks.
    """

    longest: int
    shortest: int = 1

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._storable, core_schema.str_schema(max_length=self.longest, min_length=self.shortest)
        )

    def _storable(self, text: str) -> str:
        if _CONTROL.search(text):
            raise PydanticCustomError("control_character", "control character")
        if _SURROGATE.search(text):
            raise PydanticCustomError("lone_surrogate", "lone surrogate")
        if self.shortest and not text.strip():
            raise PydanticCustomError("blank", "blank")
        return text


_INSTANT: Final = re.compile(
    r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])"
)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return in_utc(value)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return in_utc(datetime.fromisoformat(value))
        except ValueError:
            pass  # 30 February
    raise PydanticCustomError("instant", "not an instant with an offset")


#: An instant with its offset (RFC 3339), years 1900 to 2199; kept in UTC. Numbers and naive times are refused.
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]


def not_in_future(field: str, at: datetime, accepted_at: datetime) -> None:
    """Refuse an instant later than the one at which the request was read."""
    if at > accepted_at:
        raise invalid(field, "in_future", "不得晚于当前时间。")


def not_before(field: str, at: datetime, earliest: datetime, what: str) -> None:
    """Refuse an instant before the one from which it is possible; ``what`` names that one in Chinese."""
    if at < earliest:
        raise invalid(field, "too_early", f"不得早于{what}。")


__all__ = ["ApiModel", "Instant", "Parameters", "Problem", "Text", "not_before", "not_in_future"]
