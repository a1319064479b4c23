"""Who may do what, and how personal data is kept, masked and shown."""
