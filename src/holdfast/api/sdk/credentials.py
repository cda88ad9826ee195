"""Service ``Credentials``: access to stores of objects, by name."""

from holdfast.api.sdk.proto import credentials_pb2  # noqa: F401 - the rows below are looked up in it
from holdfast.api.sdk.table import unserved

ROWS = (
    unserved("Credentials", "Create", "POST credentials"),
    unserved("Credentials", "Enumerate", "GET credentials"),
    unserved("Credentials", "Update", "PUT credentials/{credential_id}"),
    unserved("Credentials", "Delete", "DELETE credentials/{credential_id}"),
    unserved("Credentials", "Inspect", "GET credentials/inspect/{credential_id}"),
    unserved("Credentials", "Validate", "GET credentials/validate/{credential_id}"),
    unserved("Credentials", "DeleteReferences", "DELETE credentials/references/{credential_id}"),
)
