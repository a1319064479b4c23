"""What a process would have logged, for tests that look for what must not be there."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from common.observability import configure_logging


@contextmanager
def captured_logs(service: str = "test") -> Iterator[io.StringIO]:
    """The log as configured for production, written to memory; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(service, stream=stream)
    try:
        yield stream
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
