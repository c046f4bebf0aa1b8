"""Two records that are one: $merge, and what takes it back."""
