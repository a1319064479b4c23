"""The HTTP edge that all services share: refusals, repeats, paging, reading one's own writes."""
