"""Rows by the block: files larger than memory, and many machines."""
