"""Figures as ratios against an anchor of the same run, and the long fault runs. ``python -m benchmarks [NAME]``."""
