"""The alembic environment of dispatch; importing the stores declares their tables."""

from common.migration import run
from dispatch.closing import store as closing
from dispatch.docket import METADATA
from dispatch.feed import store as feed
from dispatch.notices import store as notices
from dispatch.units import store as units

DECLARED = (closing.CLOSING_REPORT, feed.STORY, notices.NOTICE, units.UNIT)

run(METADATA)
