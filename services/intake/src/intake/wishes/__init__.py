"""What requesters want of their ticket later on: 补充, 催单, 撤单."""
