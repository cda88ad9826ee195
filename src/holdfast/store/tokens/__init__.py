"""Tokens: records, commands, paths, roles, and what the dead ones leave behind."""
