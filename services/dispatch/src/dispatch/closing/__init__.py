"""办结: the report, and what is decided about it."""
