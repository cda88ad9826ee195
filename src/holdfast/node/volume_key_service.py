"""The part of service ``Volume`` that looks after the keys of volumes."""

from collections.abc import Sequence

from holdfast.node import apis
from holdfast.node.api import operation
from holdfast.node.catalog import Catalog
from holdfast.node.gate import Admission, Gate
from holdfast.node.key_doctor import Finding, KeyDoctor


class VolumeKeyService:
    """Keys of volumes, for who may read the volumes."""

    def __init__(self, *, gate: Gate, catalog: Catalog, doctor: KeyDoctor) -> None:
        self._gate = gate
        self._catalog = catalog
        self._doctor = doctor

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
