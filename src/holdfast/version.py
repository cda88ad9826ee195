"""What this build calls itself."""

VERSION = "0.1.0"
BUILD_DATE = "2026-11-24T00:00:00Z"

# Clients choose features by the version of the Vault API that a server reports; ours is build metadata.
API_LEVEL = "1.15.0"
API_VERSION = f"{API_LEVEL}+holdfast.{VERSION}"
