"""Limiting for a time how a caller who abuses the line may use it."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StrictInt

from common.policy.ruled import Code, Entry, Part, Register, Ruled, Stated


class AbuseGround(Entry):
    """A ground on which a caller may be restricted."""


class Longest(Ruled):
    """How long one restriction may last, in days of 24 hours."""

    days: Annotated[StrictInt, Field(ge=1, le=3650)]


class Restrictions(Part):
    """短期限制使用12345电话资源 (双鸭山 第三十五条). ``channels`` are those that a restricted number may not use."""

    grounds: Register[AbuseGround]
    channels: Stated[tuple[Code, ...]]
    longest: Longest
    police: Ruled

    def latest_end(self, starts_at: datetime) -> datetime:
        """The last instant at which a restriction that begins then may end."""
        return starts_at + timedelta(days=self.longest.days)
