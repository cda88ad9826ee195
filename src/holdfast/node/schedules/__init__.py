"""Snapshots that are taken by themselves: policies, the plan of each volume, and what carries it out."""
