"""``python -m reporting api | worker | migrate``"""

from common.runtime.main import main
from reporting.service import build

main("reporting", build)
