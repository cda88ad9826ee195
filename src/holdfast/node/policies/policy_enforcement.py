"""Storage policies at work: what a new volume becomes, and what an update of one may change."""

from collections.abc import Mapping

from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission
from holdfast.node.errors import PolicyViolationError
from holdfast.node.policies.policy_catalog import PolicyCatalog
from holdfast.node.policies.policy_records import PolicyRecord
from holdfast.node.policies.volume_rules import Wish, follow
from holdfast.policy.ownership import AccessType


class PolicyEnforcement:
    """Applies policies to volumes.

    Args:
        gate: asks whether the caller may use the policy that it names.
        catalog: holds the policies.
    """

    def __init__(self, *, gate: Gate, catalog: PolicyCatalog) -> None:
        self._gate = gate
        self._catalog = catalog

    def on_create(self, admission: Admission, name: str, wish: Wish) -> tuple[str, Wish]:
        """Return the name of the policy that counts for a new volume, and the volume as it allows it.

        Args:
            admission: of the caller.
            name: of the policy that the caller names, who must be able to read it. Empty: the default, which
                counts for everybody.
            wish: what the caller asks for.

        Raises:
            OwnershipDeniedError: the caller may not read the policy, or there is none of that name.
            PolicyViolationError: the policy refuses the volume.
        """
        policy = self._named(admission, name) if name else self._catalog.default()
        if policy is None:
            return "", wish
        return policy.name, follow(wish, policy.rules, policy=policy.name, force=policy.force)

    def on_update(
        self,
        admission: Admission,
        name: str,
        *,
        size_bytes: int | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Raise ``PolicyViolationError`` for a change that the policy of a volume does not allow.

        Nothing is changed for the caller here, unlike at the creation: what he asks for happens, or does not.

        Args:
            admission: of the caller.
            name: the policy that the volume was made under; empty, or one that is gone, forbids nothing.
            size_bytes: the new size, if that changes.
            labels: the labels after the change, if they change.
        """
        policy = self._catalog.find(name) if name else None
        if policy is None or self._is_free_of(admission, policy):
            return
        rules = policy.rules
        if labels is not None:
            missing = sorted(key for key, text in rules.labels.items() if labels.get(key) != text)
            if missing:
                raise PolicyViolationError(
                    f"storage policy {policy.name}: labels: expected those of the policy to stay, "
                    f"also {', '.join(missing)}"
                )
        if size_bytes is not None:
            wish = Wish(
                size_bytes=size_bytes, encrypted=True, secret_name="", own_key=False, file_system="ext4"
            )
            sizes = type(rules)(
                size_bytes=rules.size_bytes,
                size_operator=rules.size_operator,
                size_limit_bytes=rules.size_limit_bytes,
            )
            follow(wish, sizes, policy=policy.name, force=True)

    def on_rotate(self, admission: Admission, name: str, *, secret_name: str) -> None:
        """Raise ``PolicyViolationError`` for another secret than the one that the policy of a volume names.

        Args:
            admission: of the caller.
            name: as for ``on_update``.
            secret_name: which secret is to open the volume; empty for another version of the present one.
        """
        policy = self._catalog.find(name) if name else None
        if policy is None or self._is_free_of(admission, policy):
            return
        wanted = policy.rules.secret_name
        if wanted and secret_name not in {"", wanted}:
            raise PolicyViolationError(
                f"storage policy {policy.name}: secret_key: expected the secret that the policy names"
            )

    def _named(self, admission: Admission, name: str) -> PolicyRecord:
        return self._gate.resource(admission, self._catalog, name, access=AccessType.READ)

    def _is_free_of(self, admission: Admission, policy: PolicyRecord) -> bool:
        return policy.allow_update and self._gate.may(admission, policy, AccessType.WRITE)
