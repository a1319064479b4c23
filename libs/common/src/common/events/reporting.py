"""What reporting announces."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from common.events.envelope import JurisdictionFact


class ReportPublished(JurisdictionFact):
    """A report was frozen and given out."""

    report: UUID
    policy: str
    kind: Literal["daily", "weekly", "monthly", "half_year", "assessment_year", "special", "span"]
    period_from: date
    period_to: date = Field(description="Last day of the period.")
    as_of: AwareDatetime = Field(description="What was known at this instant is in the figures.")
    formats: tuple[Literal["docx", "xlsx", "json"], ...] = Field(min_length=1)
