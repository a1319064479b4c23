"""单位终止后的承接: open tickets pass to the successor of a unit that ended."""
