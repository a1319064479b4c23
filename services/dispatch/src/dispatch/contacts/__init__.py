"""先行联系与进展: what the units did meanwhile."""
