"""集中诉求: demands of one kind that come in numbers are shown to the unit, which answers with a measure that lasts."""
