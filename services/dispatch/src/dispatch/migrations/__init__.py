"""The schema of dispatch, step by step."""
