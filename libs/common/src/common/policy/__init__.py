"""Policy packs: what differs between jurisdictions, as typed data with dates and sources."""

from common.policy.check import check_pack, check_packs, pack_directories
from common.policy.limits import DUTIES, WINDOWS, Limit, NoLimit
from common.policy.matching import Situation, When
from common.policy.pack import Pack, in_force, parse_pack
from common.policy.reading import load_pack
from common.policy.refusals import Finding, NoPackInForce, PackInvalid

__all__ = [
    "DUTIES",
    "WINDOWS",
    "Finding",
    "Limit",
    "NoLimit",
    "NoPackInForce",
    "Pack",
    "PackInvalid",
    "Situation",
    "When",
    "check_pack",
    "check_packs",
    "in_force",
    "load_pack",
    "pack_directories",
    "parse_pack",
]
