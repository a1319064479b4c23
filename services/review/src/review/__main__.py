from common.runtime.main import main
from review.service import build

main("review", build)
