"""The part of service ``Volume`` that looks after the keys of volumes."""

from collections.abc import Sequence

from holdfast.model import SecretBytes
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, operation
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord
from holdfast.node.keys.key_doctor import Finding, KeyDoctor
from holdfast.node.keys.key_recovery import KeyRecovery, RecoveryKey
from holdfast.node.keys.reencryptions import Reencryption, Reencryptions


class VolumeKeyService:
    """Keys of volumes, for who may read the volumes."""

    def __init__(
        self,
        *,
        gate: Gate,
        catalog: Catalog,
        doctor: KeyDoctor,
        recovery: KeyRecovery,
        reencryptions: Reencryptions,
    ) -> None:
        self._gate = gate
        self._catalog = catalog
        self._doctor = doctor
        self._recovery = recovery
        self._reencryptions = reencryptions

    @operation(apis.VOLUME_KEY_DOCTOR)
    def examine(
        self, admission: Admission, references: Sequence[str] = (), *, prove: bool = True
    ) -> list[Finding]:
        """Find volumes whose key is missing, old or unreadable; nothing is changed.

        Args:
            admission: of the caller.
            references: ids or names; without any, every volume that the caller may read.
            prove: also try whether each key opens its volume.
        """
        if references:
            records = [self._gate.resource(admission, self._catalog, reference) for reference in references]
        else:
            records = list(self._gate.readable(admission, self._catalog))
        return self._doctor.examine(records, prove=prove)

    @operation(apis.VOLUME_ADD_RECOVERY_KEY)
    def add_recovery_key(
        self, admission: Admission, reference: str, *, public_key: bytes = b""
    ) -> RecoveryKey:
        """Make a key that opens the volume on the day on which its key is lost; the caller wipes it.

        Args:
            admission: of the caller.
            reference: id or name.
            public_key: an OpenPGP public key to encrypt it to; without one it is handed out in clear.

        Raises:
            ConflictError: the volume is not encrypted, or has a recovery key.
            InvalidInputError: no OpenPGP public key that encrypts.
        """
        record = self._gate.resource(admission, self._catalog, reference)
        made = self._recovery.add(
            record.id, still=self._gate.still(admission, self._catalog), public_key=public_key
        )
        kept = f"encrypted to {made.fingerprint}" if made.fingerprint else "in clear"
        self._gate.done(admission, record.id, f"recovery key made, handed out {kept}")
        return made

    @operation(apis.VOLUME_REMOVE_RECOVERY_KEY)
    def remove_recovery_key(self, admission: Admission, reference: str) -> int:
        """Have the recovery key open the volume no longer; returns how many keyslots were destroyed."""
        record = self._gate.resource(admission, self._catalog, reference)
        destroyed = self._recovery.remove(record.id, still=self._gate.still(admission, self._catalog))
        self._gate.done(admission, record.id, f"recovery key removed, {destroyed} keyslots destroyed")
        return destroyed

    @operation(apis.VOLUME_RECOVER_KEY)
    def recover(self, admission: Admission, reference: str, recovery_key: SecretBytes) -> VolumeRecord:
        """Give a volume whose key is lost a new one, by means of its recovery key, which stays.

        Raises:
            WrongKeyError: it is not the recovery key.
            ConflictError: the volume is not encrypted, or has no recovery key.
        """
        record = self._gate.resource(admission, self._catalog, reference)
        still = self._gate.still(admission, self._catalog)
        recovered = self._recovery.recover(record.id, recovery_key, still=still)
        self._gate.done(admission, record.id, "given a new key by means of the recovery key")
        return recovered

    @operation(apis.VOLUME_REENCRYPT)
    def reencrypt(self, admission: Admission, reference: str) -> Reencryption:
        """Begin to give the volume another volume key, or go on with what was interrupted.

        Raises:
            ConflictError: it is under way already, or the volume is not encrypted.
            ProviderUnavailableError, SecretNotFoundError: the volume's key cannot be had.
        """
        record = self._gate.resource(admission, self._catalog, reference)
        self._reencryptions.start(
            record,
            still=self._gate.still(admission, self._catalog),
            over=lambda outcome: self._gate.done(admission, record.id, outcome),
        )
        return self._reencryptions.state(record)

    @operation(apis.VOLUME_REENCRYPTION_STATUS)
    def reencryption_status(self, admission: Admission, reference: str) -> Reencryption:
        """Return how it stands with a volume's re-encryption.

        Raises:
            ConflictError: the volume is not encrypted.
        """
        return self._reencryptions.state(self._gate.resource(admission, self._catalog, reference))
