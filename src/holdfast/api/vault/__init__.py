"""The Vault HTTP API over the store."""
