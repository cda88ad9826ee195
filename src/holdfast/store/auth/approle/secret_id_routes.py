"""``role/<name>/secret-id...``: secret ids are made, looked up and removed, by themselves or by accessor."""

from typing import Any

from holdfast.clock import rfc3339
from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.formats.strict_json import decode_object, encode
from holdfast.store import fields
from holdfast.store.auth.approle.commands import AddSecretId, RemoveSecretId, TidySecretIds
from holdfast.store.auth.approle.records import Hashes, Role, SecretId, accessor_key, role_key, secret_key
from holdfast.store.auth.approle.role_routes import MAX_ID_LENGTH
from holdfast.store.auth.method import AuthRoute
from holdfast.store.auth.records import list_names
from holdfast.store.auth.visit import AuthVisit, listing_of
from holdfast.store.command import Command
from holdfast.store.networks import parse_networks
from holdfast.store.request import Answer, Operation

LEAST_CHOSEN_LENGTH = 8
MAX_METADATA_BYTES = 2048  # it has to fit a token that is stored nowhere
_NEVER = "0001-01-01T00:00:00Z"


def _generate(visit: AuthVisit) -> Command:
    return _add(visit, new_uuid(), is_chosen=False)


def _choose(visit: AuthVisit) -> Command:
    chosen = fields.required_text(visit.values, "secret_id")
    if not LEAST_CHOSEN_LENGTH <= len(chosen) <= MAX_ID_LENGTH:
        raise InvalidInputError(f"secret_id: expected {LEAST_CHOSEN_LENGTH} to {MAX_ID_LENGTH} characters")
    return _add(visit, chosen, is_chosen=True)


def _add(visit: AuthVisit, text: str, *, is_chosen: bool) -> Command:
    values, role = visit.values, visit.require(role_key(visit.name), Role)
    if not role.bind_secret_id:
        raise InvalidInputError("bind_secret_id is not set on the role")
    ttl = _at_most(values, "ttl", fields.seconds(values, "ttl"), role.secret_id_ttl_seconds)
    uses = _at_most(values, "num_uses", fields.integer(values, "num_uses"), role.secret_id_num_uses)
    secret = SecretId(
        accessor=new_uuid(),
        created_at=visit.now,
        expires_at=visit.now + ttl if ttl else 0.0,
        uses_left=uses,
        metadata=_metadata(values),
        bound_cidrs=parse_networks(fields.words(values, "cidr_list"), field="cidr_list"),
        token_bound_cidrs=parse_networks(
            fields.words(values, "token_bound_cidrs"), field="token_bound_cidrs"
        ),
        updated_at=visit.now,
    )
    answer = {
        "secret_id": text,
        "secret_id_accessor": secret.accessor,
        "secret_id_ttl": ttl,
        "secret_id_num_uses": uses,
    }
    return AddSecretId(
        mount=visit.mount.uuid,
        role=visit.name,
        secret_hash=_hashes(visit).of(text),
        secret=secret,
        is_chosen=is_chosen,
        answer=encode(answer),
    )


def _at_most(values: dict[str, Any], name: str, given: int, of_role: int) -> int:
    """Return what was given, or else what the role says; it may say less than the role, never more."""
    if name not in values:
        return of_role
    if of_role and not 0 < given <= of_role:
        raise InvalidInputError(f"{name}: expected at most what the role says")
    return given


def _metadata(values: dict[str, Any]) -> dict[str, str]:
    given = values.get("metadata")
    if isinstance(given, str):
        given = decode_object(given.encode()).values if given.strip() else {}
    metadata = fields.text_map({"metadata": given}, "metadata")
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > MAX_METADATA_BYTES:
        raise InvalidInputError(f"metadata: expected at most {MAX_METADATA_BYTES} bytes")
    return metadata


def _list(visit: AuthVisit) -> Answer:
    visit.require(role_key(visit.name), Role)
    names = list_names(visit.records, f"secret/{visit.name}/")
    found = (visit.load(secret_key(visit.name, name), SecretId) for name in names)
    return listing_of([secret.accessor for secret in found if secret is not None])


def _lookup(visit: AuthVisit) -> Answer:
    secret = visit.load(secret_key(visit.name, _secret_hash(visit)), SecretId)
    return Answer() if secret is None or not secret.is_live(visit.now) else _describe(secret)


def _lookup_by_accessor(visit: AuthVisit) -> Answer:
    secret_hash = _hash_of_accessor(visit)
    secret = None if secret_hash is None else visit.load(secret_key(visit.name, secret_hash), SecretId)
    if secret is None or not secret.is_live(visit.now):
        raise NotFoundError("failed to find accessor entry for secret_id_accessor")
    return _describe(secret)


def _destroy(visit: AuthVisit) -> Command:
    return RemoveSecretId(mount=visit.mount.uuid, role=visit.name, secret_hash=_secret_hash(visit))


def _destroy_by_accessor(visit: AuthVisit) -> Command:
    secret_hash = _hash_of_accessor(visit)
    if secret_hash is None:
        raise NotFoundError("failed to find accessor entry for secret_id_accessor")
    return RemoveSecretId(mount=visit.mount.uuid, role=visit.name, secret_hash=secret_hash)


def _tidy(visit: AuthVisit) -> Command:
    return TidySecretIds(mount=visit.mount.uuid)


def _describe(secret: SecretId) -> Answer:
    ttl = int(secret.expires_at - secret.created_at) if secret.expires_at else 0
    data = {
        "creation_time": rfc3339(secret.created_at),
        "expiration_time": rfc3339(secret.expires_at) if secret.expires_at else _NEVER,
        "last_updated_time": rfc3339(secret.updated_at),
        "metadata": secret.metadata,
        "cidr_list": list(secret.bound_cidrs),
        "token_bound_cidrs": list(secret.token_bound_cidrs),
        "secret_id_accessor": secret.accessor,
        "secret_id_num_uses": secret.uses_left,
        "secret_id_ttl": ttl,
    }
    return Answer(data=encode(data))


def _hashes(visit: AuthVisit) -> Hashes:
    return Hashes(visit.store.hasher, visit.mount.uuid)


def _secret_hash(visit: AuthVisit) -> str:
    visit.require(role_key(visit.name), Role)
    return _hashes(visit).of(_given(visit, "secret_id"))


def _hash_of_accessor(visit: AuthVisit) -> str | None:
    visit.require(role_key(visit.name), Role)
    accessor_hash = _hashes(visit).of(_given(visit, "secret_id_accessor"))
    stored = visit.records.get(accessor_key(visit.name, accessor_hash))
    return None if stored is None else stored.decode()


def _given(visit: AuthVisit, name: str) -> str:
    """Return a field; a DELETE has it in its query."""
    return fields.required_text({**dict(visit.request.query), **visit.values}, name)


SECRET_ID_ROUTES = (
    AuthRoute("role/<>/secret-id", Operation.LIST, _list),
    AuthRoute("role/<>/secret-id", Operation.WRITE, _generate),
    AuthRoute("role/<>/custom-secret-id", Operation.WRITE, _choose),
    AuthRoute("role/<>/secret-id/lookup", Operation.WRITE, _lookup),
    AuthRoute("role/<>/secret-id/destroy", Operation.WRITE, _destroy),
    AuthRoute("role/<>/secret-id/destroy", Operation.DELETE, _destroy),
    AuthRoute("role/<>/secret-id-accessor/lookup", Operation.WRITE, _lookup_by_accessor),
    AuthRoute("role/<>/secret-id-accessor/destroy", Operation.WRITE, _destroy_by_accessor),
    AuthRoute("role/<>/secret-id-accessor/destroy", Operation.DELETE, _destroy_by_accessor),
    AuthRoute("tidy/secret-id", Operation.WRITE, _tidy),
)
