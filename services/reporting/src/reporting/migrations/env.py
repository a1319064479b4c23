from common.migration import run
from reporting.store import METADATA

run(METADATA)
