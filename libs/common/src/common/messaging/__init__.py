"""The event layer: outbox, relay, bus, runner with inbox, parking."""
