"""Namespaces: stores within the store, each with mounts, auth methods, policies and tokens of its own.

records     what a namespace is, and where the records lie that say which there are
arrival     which namespace a request is for
inside      how a namespace is found, and kept open
below       what a token may do in a namespace below its own
commands    make, change, lock and delete one
clearing    what a deleted one leaves behind, removed a little at a time
server_wide paths that are there once, in the root namespace
routes      ``sys/namespaces/...``
"""
