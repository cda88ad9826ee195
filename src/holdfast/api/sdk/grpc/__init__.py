"""The same table over gRPC."""
