"""Backups of volumes in stores of objects: what they look like there, how they get there and back."""
