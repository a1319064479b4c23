"""回访: asking the requester what became of the demand."""
