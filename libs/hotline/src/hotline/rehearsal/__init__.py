"""Rehearsal: what a clerk expects of a pack, carried out with the services' own rules against the real calendar.

A file in ``policies/<jurisdiction>/scenarios/`` maps a sentence to a scenario: the story in words, and what must come
of it with the derivation by hand. Each topic has a module with its expectation and the rules it calls; nothing here
decides anything itself.
"""

from hotline.rehearsal.check import Checked, check_pack, check_packs, checked_packs, named_packs, rehearse_pack
from hotline.rehearsal.scenario import Scenario, rehearse

__all__ = [
    "Checked",
    "Scenario",
    "check_pack",
    "check_packs",
    "checked_packs",
    "named_packs",
    "rehearse",
    "rehearse_pack",
]
