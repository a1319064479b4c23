"""受理: a demand becomes a work order, or is settled at once."""
