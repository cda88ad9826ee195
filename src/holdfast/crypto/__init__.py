"""Thin recipes over well-known primitives. This room never knows what is being protected.

``aead`` encrypts and authenticates, ``mac`` authenticates, ``shamir`` splits a secret into shares and
``identifiers`` makes names that cannot be guessed. Each recipe has one way to be used and takes its
randomness from the operating system, never from a caller.
"""
