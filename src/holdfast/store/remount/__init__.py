"""Moving a mount to another path."""
