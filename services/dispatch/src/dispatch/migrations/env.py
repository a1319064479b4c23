"""The alembic environment of dispatch; importing the stores declares their tables."""

from common.migration import run
from dispatch.closing import store as closing
from dispatch.docket import METADATA
from dispatch.feed import store as feed
from dispatch.units import store as units

DECLARED = (closing.CLOSING_REPORT, feed.STORY, units.UNIT)

run(METADATA)
