"""``python -m hotline.cli``."""

from hotline.cli import app

app()
