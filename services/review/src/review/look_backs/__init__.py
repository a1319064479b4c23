"""回头看: whether what was closed has held (清远 三（三）2)."""
