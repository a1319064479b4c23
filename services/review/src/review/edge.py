"""What the doors of all topics share: what comes in, how refusals go out, how far lists reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from pydantic import Field

from common.calendar.reckon import Unit
from common.events.vocabulary import Limit
from common.messaging.runner import Transient
from common.security.masking import mask
from common.web.inputs import ApiModel, Text
from common.web.problems import FieldError, Problem, conflict, invalid, stale_round, unavailable
from common.web.reading import position_of
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


def masked(text: str | None) -> str | None:
    """The text without personal data; None when nothing was written."""
    return mask(text) if text and text.strip() else None


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


def within(asked: str | None, allowed: str | None) -> frozenset[str] | None:
    """What was asked for, as far as it is allowed; None: everything on both sides."""
    limits = [frozenset({limit}) for limit in (asked, allowed) if limit is not None]
    return frozenset.intersection(*limits) if limits else None


def after(cursor: str | None) -> UUID | None:
    """The id after which the page begins; 422 for a cursor that is none of ours."""
    if cursor is None:
        return None
    try:
        return UUID(position_of(cursor, (str,))[0])
    except ValueError:
        raise invalid("cursor", "cursor", "游标无效，请从第一页重新开始。") from None
