"""Holdfast: a sealed secret store, encrypted volumes keyed from it, and the tokens that guard both."""
