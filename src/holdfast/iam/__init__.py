"""Users, groups and permissions as data: who there is, how they prove it, and what they were granted.

Records are read and written through a view; everything else here is values in, values out. Tokens, requests
and the paths that a permission opens in the store are for ``store.iam``.
"""
