"""Checking the packs of ``policies/`` by themselves: schema, sources, gaps, rows that never win.

What a pack decides is proven by the scenarios beside it, which call the services' own rules: ``hotline.rehearsal``.
"""

from pathlib import Path

from common.policy.reading import load_pack
from common.policy.refusals import Finding, PackInvalid

CALENDAR = "calendar"


def pack_directories(policies: Path) -> tuple[Path, ...]:
    """The directories of ``policies/`` that hold packs; those that begin with "_" are bases and examples, in force
    nowhere."""
    return tuple(
        sorted(part for part in policies.iterdir() if part.is_dir() and part.name != CALENDAR and part.name[0] != "_")
    )


def check_packs(policies: Path) -> list[Finding]:
    """Everything wrong with the packs of a directory, each by itself."""
    return [finding for directory in pack_directories(policies) for finding in check_pack(directory)]


def check_pack(directory: Path) -> list[Finding]:
    """Everything wrong with one pack by itself."""
    try:
        load_pack(directory)
    except PackInvalid as invalid:
        return list(invalid.findings)
    return []
