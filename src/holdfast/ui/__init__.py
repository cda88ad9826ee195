"""The store's web page: files of our own, which speak to the APIs like any other client."""
