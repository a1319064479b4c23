"""Suites of their own, each in a data directory with a short name: a socket's path must fit."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data() -> Iterator[Path]:
    """A new data directory, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
