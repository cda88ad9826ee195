"""One request through a storage node: who asks, may this role call this API, does this volume allow it, act.

``Node`` (in ``node``) is the way in. Import from the modules: this file stays empty of imports.
"""
