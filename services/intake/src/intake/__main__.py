"""``python -m intake api | worker | migrate``"""

from common.runtime.main import main
from intake.service import build

main("intake", build)
