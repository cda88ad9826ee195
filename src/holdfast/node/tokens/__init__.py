"""Tokens that were taken back, and tokens that are made anew."""
