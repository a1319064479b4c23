"""What only intake knows of a requester: sealed, and shown by an audited look."""
