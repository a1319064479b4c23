"""Alembic's entry."""

from common.migration import run
from sla.store import METADATA

run(METADATA)
