"""Whose tokens a node believes: the users' issuer, and the issuers of its own machinery.

    users       -jwt_issuer          PORTWORX_AUTH_JWT_SHAREDSECRET and the two public key files
    nodes       the cluster id       PORTWORX_AUTH_SYSTEM_KEY
    Stork       stork.openstorage.io PORTWORX_AUTH_STORK_KEY
    other apps  apps.portworx.io     PORTWORX_AUTH_SYSTEM_APPS_KEY

Secrets come from the environment only; a name with ``HOLDFAST_`` in place of ``PORTWORX_`` wins. Two
issuers with one key are refused: whoever holds it could mint the other's tokens. A node without any key
for users does not start.
"""

from collections.abc import Mapping
from pathlib import Path

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.model import SecretBytes
from holdfast.noded.options import NodeOptions
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.key_files import load_verifying_key
from holdfast.tokens.keys import VerifyingKey
from holdfast.tokens.shared_secret import SharedSecretKey

DEFAULT_ISSUER = "openstorage.io"
STORK_ISSUER = "stork.openstorage.io"
APPS_ISSUER = "apps.portworx.io"


def read_issuers(options: NodeOptions, environment: Mapping[str, str], *, cluster_id: str) -> IssuerRegistry:
    """Return the issuers that the configuration names.

    Raises:
        UnsupportedError: OIDC was asked for.
        InvalidInputError: no key for users, a weak or unreadable key, or one key for two issuers.
    """
    if options.oidc_issuer or options.oidc_client_id or options.oidc_custom_claim_namespace:
        raise UnsupportedError("-oidc_issuer: OIDC is not built yet; use -jwt_issuer with a key")
    if options.username_claim and options.username_claim not in set(UserNameClaim):
        raise InvalidInputError(f"-username_claim: expected one of {', '.join(UserNameClaim)}")
    keys = _user_keys(options, environment)
    if not keys:
        raise InvalidInputError(
            "no key to check users' tokens with: set PORTWORX_AUTH_JWT_SHAREDSECRET, "
            "or give -jwt_rsa_pubkey_file or -jwt_ecds_pubkey_file"
        )
    users = Issuer(
        name=options.jwt_issuer or _setting(environment, "JWT_ISSUER") or DEFAULT_ISSUER,
        keys=keys,
        user_name_claim=UserNameClaim(options.username_claim or UserNameClaim.SUB),
    )
    machinery = (
        (cluster_id, "SYSTEM_KEY"),
        (STORK_ISSUER, "STORK_KEY"),
        (APPS_ISSUER, "SYSTEM_APPS_KEY"),
    )
    issuers = [users]
    for name, variable in machinery:
        if secret := _setting(environment, variable):
            key = _shared_secret(secret, variable, options)
            issuers.append(Issuer(name=name, keys=(key,)))
    return IssuerRegistry(issuers)


def _user_keys(options: NodeOptions, environment: Mapping[str, str]) -> tuple[VerifyingKey, ...]:
    keys: list[VerifyingKey] = []
    if secret := _setting(environment, "JWT_SHAREDSECRET"):
        keys.append(_shared_secret(secret, "JWT_SHAREDSECRET", options))
    for argument, path in (
        ("-jwt_rsa_pubkey_file", options.jwt_rsa_pubkey_file),
        ("-jwt_ecds_pubkey_file", options.jwt_ecds_pubkey_file),
    ):
        if path:
            keys.append(_public_key(path, argument))
    return tuple(keys)


def _shared_secret(secret: str, variable: str, options: NodeOptions) -> SharedSecretKey:
    try:
        return SharedSecretKey(
            SecretBytes(secret.encode()), allow_short_shared_secret=options.allow_short_shared_secret
        )
    except InvalidInputError as error:
        raise InvalidInputError(f"PORTWORX_AUTH_{variable}: {error.message}") from None


def _public_key(path: str, argument: str) -> VerifyingKey:
    try:
        return load_verifying_key(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInputError(f"{argument}: cannot be read ({error.strerror})") from None
    except InvalidInputError as error:
        raise InvalidInputError(f"{argument}: {error.message}") from None


def _setting(environment: Mapping[str, str], name: str) -> str:
    return environment.get(f"HOLDFAST_AUTH_{name}") or environment.get(f"PORTWORX_AUTH_{name}", "")
