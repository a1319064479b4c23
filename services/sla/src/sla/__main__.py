"""``python -m sla api | worker | migrate``"""

from common.runtime.main import main
from sla.service import build

main("sla", build)
