"""Whether a closing report is looked at before it closes the ticket."""

from common.policy.ruled import Ruled


class Closing(Ruled):
    """办结. ``check``: a person accepts or sends back the report; otherwise the report closes the ticket at once."""

    check: bool
