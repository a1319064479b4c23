"""更正: what a ticket says is corrected while it is handled; limits follow."""
