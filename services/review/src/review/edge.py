"""What the doors of all topics share: what comes in, and how refusals go out."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from common.basis import Basis
from common.calendar.reckon import Unit
from common.events.vocabulary import Limit
from common.messaging.runner import Transient
from common.policy.ruled import Entry
from common.security.masking import mask
from common.web.inputs import ApiModel, Text
from common.web.problems import FieldError, Problem, conflict, invalid, stale_round, unavailable
from review.refusals import FieldRefused, Refused, StaleRound

RoundSeen = Annotated[int, Field(strict=True, ge=0, le=2_147_483_647, description="所见的办理轮次")]
Written = Annotated[str, Text(2000, shortest=0)]
"""Free text that may be blank; ``masked`` before anything is done with it."""


class SpanWanted(ApiModel):
    """A span of time as people name it, such as five working days."""

    amount: Annotated[int, Field(strict=True, ge=1, le=3650)]
    unit: Unit

    def limit(self) -> Limit:
        return Limit(amount=self.amount, unit=self.unit)


class Choice(ApiModel):
    """What may be picked, with its clause."""

    code: str
    label: str
    basis: Basis


def choices(entries: Iterable[Entry]) -> list[Choice]:
    return [Choice(code=one.code, label=one.label, basis=one.basis) for one in entries]


def masked(text: str | None) -> str | None:
    """The text without personal data; None when nothing was written."""
    return mask(text) if text and text.strip() else None


def require_distinct(field: str, named: Sequence[object], refusal: str) -> None:
    """422 where something is named twice."""
    if len(set(named)) != len(named):
        raise invalid(field, "duplicate", refusal)


@contextmanager
def at_the_edge() -> Iterator[None]:
    """What the rules refuse, and a pack that has not come yet, as answers."""
    try:
        yield
    except StaleRound as refusal:
        raise stale_round(refusal.current) from None
    except Refused as refusal:
        raise conflict(refusal.code, refusal.detail, allowed=refusal.allowed, basis=refusal.basis) from None
    except FieldRefused as refusal:
        field = FieldError(refusal.field, refusal.rule, refusal.detail)
        raise Problem(
            422, "invalid_input", "输入有误", "有字段不符合要求。", fields=(field,), basis=refusal.basis
        ) from None
    except Transient:
        raise unavailable() from None
