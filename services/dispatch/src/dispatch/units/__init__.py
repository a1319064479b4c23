"""单位库: who there is to send a ticket to. A unit is never deleted."""
