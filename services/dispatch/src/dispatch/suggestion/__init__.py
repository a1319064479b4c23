"""派单建议: which item of the responsibility catalogue covers a matter, and which unit answers for it."""
