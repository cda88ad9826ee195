"""What a store counts, and how monitoring reads it."""
