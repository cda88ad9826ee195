"""Encrypted volumes: LUKS2 files, the ways to attach them, their file systems. Never where a key came from.

Import from the modules: this file stays empty of imports, because the daemon that serves an attached
volume lives in this package and its start is most of the time that an attach takes.
"""
