"""The three gates, what they guard, and the log of what they decided."""
