"""A validation error in a sentence that says what to mend."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def sentence_for(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong, with the nearest known key for a misspelt one."""
    where = str(error["loc"][-1]) if error["loc"] else "the pack"
    given = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            near = get_close_matches(where, known_keys(model), n=1)
            return f"unknown key {where!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        case "missing":
            return f"{where!r} is missing"
        case "greater_than":
            least = error["ctx"]["gt"]
            return f"{where!r} must be greater than {least}, not {given!r}; no limit is said with `no_limit: true`"
        case "literal_error":
            return f"{where!r} is {given!r}, which is none of {error['ctx']['expected']}"
        case "value_error":
            return str(error["ctx"]["error"])
        case "string_too_long" if where == "quote":
            return f"the quote has more than {error['ctx']['max_length']} characters: give the few decisive words"
        case _:
            return f"{where!r}: {error['msg']} (given {_shortened(given)})"


def _shortened(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "…"


@cache
def known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """Every key that occurs anywhere in a model, under the name it has in files."""
    keys: set[str] = set()
    seen: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for name, field in current.model_fields.items():
            keys.add(field.alias or name)
            waiting.extend(_models_in(field.annotation))
    return tuple(sorted(keys))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
