"""A ticket's statuses, by what they leave open."""

from typing import Final

HELD: Final = frozenset({"dispatched", "signed_in", "closing_filed"})
"""A unit holds the ticket and its limits run. A filed closing report decides nothing yet."""

OPEN: Final = HELD | {"awaiting_dispatch"}
"""It is still open who handles the ticket."""

ENDED: Final = frozenset({"archived", "withdrawn", "merged", "stopped"})
"""Nothing is judged any more."""
