"""What is accepted, what is not, and what may become of a call."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from common.policy.ruled import Code, Entry, Part, Register, Words

OutcomeCode = Literal["work_order", "answered", "transferred", "declined"]


class Ground(Entry):
    """A ground of non-acceptance (不予受理情形). ``tell`` is what the caller is told."""

    tell: Words


class Outcome(Entry):
    """What becomes of a demand at registration.

    ``consent_required``: the caller's consent is asked for and recorded. ``means``: the forms it takes, with labels.
    """

    consent_required: bool
    means: Mapping[Code, Words] = Field(default_factory=dict)


class Acceptance(Part):
    """受理与不予受理 (双鸭山 第十二条、第十三条)."""

    grounds: Register[Ground]
    outcomes: Register[Outcome]
