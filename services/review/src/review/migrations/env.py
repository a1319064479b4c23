"""Alembic's environment: the schema of review."""
# ruff: noqa: F401 - the topics' tables stand on the same MetaData

import review.accountability.store
import review.callbacks.store
import review.extensions.store
import review.register
import review.returns.store
import review.supervision.store
from common.migration import run
from review.docket import METADATA

run(METADATA)
