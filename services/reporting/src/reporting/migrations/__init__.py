"""Reporting's schema, step by step."""
