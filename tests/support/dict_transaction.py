"""A storage transaction reduced to what its interface says, so that tests of a room stand alone."""


class DictTransaction:
    """Keeps its entries in a dictionary; nothing is ever rolled back."""

    def __init__(self):
        self.entries = {}

    def get(self, key):
        return self.entries.get(key)

    def put(self, key, value):
        self.entries[key] = value

    def delete(self, key):
        self.entries.pop(key, None)

    def list(self, prefix, *, after="", limit=1000):
        names = set()
        for key in self.entries:
            if key.startswith(prefix) and key != prefix:
                name, slash, _ = key[len(prefix) :].partition("/")
                names.add(name + slash)
        return [n for n in sorted(names, key=str.encode) if n.encode() > after.encode()][:limit]
