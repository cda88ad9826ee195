"""What a request about backups names beside them: a credential, and a volume that may be gone."""

from holdfast.errors import ConflictError, InvalidInputError
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission
from holdfast.node.backups.records import BackupRecord
from holdfast.node.credentials.credential_catalog import CredentialCatalog
from holdfast.node.credentials.credential_records import CredentialRecord
from holdfast.node.inventory.catalog import Catalog
from holdfast.policy.ownership import AccessType


class Ways:
    """Finds what a caller names, past the gate."""

    def __init__(self, *, gate: Gate, catalog: Catalog, credentials: CredentialCatalog) -> None:
        self._gate = gate
        self._catalog = catalog
        self._credentials = credentials

    def credential(self, admission: Admission, reference: str) -> CredentialRecord:
        """Return the credential that the caller names; for no name, the only one that he may read."""
        if reference:
            return self._gate.resource(admission, self._credentials, reference, access=AccessType.READ)
        readable = self._gate.visible(admission, self._credentials)
        if len(readable) != 1:
            raise InvalidInputError(
                "credential_id: expected the id or name of a cloud credential; it may be left out if "
                "there is only one that you may use"
            )
        return readable[0]

    def volume_id(self, admission: Admission, volume: str) -> str:
        """Return the id of a volume that the caller names; one that is gone is named by its id."""
        if not volume:
            return ""
        known = self._catalog.find(volume)
        if known is None and volume.isdigit():
            return volume
        return self._gate.resource(admission, self._catalog, volume, access=AccessType.READ).id

    def require_same(self, record: BackupRecord, credential: CredentialRecord) -> None:
        """Raise ``ConflictError`` for another credential than the backup was stored by, if that is there."""
        if record.credential_id != credential.id and self._credentials.find(record.credential_id) is not None:
            raise ConflictError("credential_id: expected the credential by which the backup was stored")
