"""Decisions of other services: each gets its one answer here."""
