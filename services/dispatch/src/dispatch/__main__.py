"""``python -m dispatch api | worker | migrate``"""

from common.runtime.main import main
from dispatch.service import build

main("dispatch", build)
