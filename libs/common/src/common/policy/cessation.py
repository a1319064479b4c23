"""When a unit may stop handling a demand, and what it owes before it does."""

from typing import Literal

from common.policy.ruled import Entry, Part, Register, Stated


class CessationGround(Entry):
    """A ground on which a unit no longer handles a demand (不再办理情形)."""


class Cessation(Part):
    """停止办理 (双鸭山 第二十三条). The statement to the hotline is always owed."""

    grounds: Register[CessationGround]
    explained: Stated[Literal["always", "when_reachable"]]

    def explanation_owed(self, *, has_contact: bool) -> bool:
        """Whether the requester must have been told why; ``has_contact``: whether anybody can be told."""
        return has_contact or self.explained.value == "always"
