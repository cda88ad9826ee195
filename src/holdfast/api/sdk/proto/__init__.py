"""The messages of the SDK: ``.proto`` files, and what ``./dev protos`` makes of them.

Names and numbers below 10000 are those of the OpenStorage SDK and never change; our own fields have numbers
from there on, our own services and messages stand beside. Nobody edits ``*_pb2`` files; a test compares them
with what the ``.proto`` files say.
"""
