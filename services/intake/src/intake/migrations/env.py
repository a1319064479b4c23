import intake.callbacks.store
import intake.knowledge.store
import intake.registration.store
import intake.restrictions.store
import intake.vault.store  # noqa: F401 - they add their tables
from common.migration import run
from intake.docket import METADATA

run(METADATA)
