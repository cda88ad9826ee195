"""Secrets engines of version 1 and 2 behind the store: one request, many, and by name."""
