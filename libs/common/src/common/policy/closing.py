"""Whether a closing report is looked at before it closes the ticket, and what a new round starts with."""

from typing import Literal

from common.policy.ruled import Part, Ruled, Stated


class Closing(Ruled):
    """办结. ``check``: a person accepts or sends back the report; otherwise the report closes the ticket at once."""

    check: bool


class Rounds(Part):
    """轮次: a re-dispatch after an approved return, and a redo after a callback (重新办理)."""

    redo_limits: Stated[Literal["as_first_round"]]
