"""The wire dialects: bytes into a request of a hall, its answer into bytes. Status codes exist only here."""
