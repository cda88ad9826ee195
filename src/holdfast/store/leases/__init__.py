"""Leases: the tokens that end, by where they were made."""
