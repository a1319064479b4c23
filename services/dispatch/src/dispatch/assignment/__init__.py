"""派单与签收: who has the ticket."""
