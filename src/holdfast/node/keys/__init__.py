"""The keys of volumes, and the secrets provider that has them."""
