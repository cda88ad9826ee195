"""The storage node's REST face: paths, field names and error bodies of the OpenStorage SDK's gateway.

Translation and nothing else: bytes become one call of the node's services, its result becomes bytes.
"""
