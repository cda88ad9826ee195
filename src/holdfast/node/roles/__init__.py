"""Roles as they are kept, shown and changed."""
