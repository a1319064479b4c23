"""Noting facts and what they come to; closing months; what people bring forward and decide."""
