"""Pairs of clusters."""
