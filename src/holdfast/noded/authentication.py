"""Whose tokens a node believes: the users' issuers, and the issuers of its own machinery.

    users       -jwt_issuer           JWT_SHAREDSECRET, and public keys from files
    users       -oidc_issuer          the keys that the provider publishes
    machinery   the cluster id        SYSTEM_KEY
    Stork       stork.openstorage.io  STORK_KEY, or PX_SHARED_SECRET as Stork itself calls it
    other apps  apps.portworx.io      SYSTEM_APPS_KEY

Secrets come from the environment only (see ``auth_environment``). Two issuers with one key are refused:
whoever holds it could mint the other's tokens. A node without any way to check users' tokens does not start.

Every file is read again with a reload. Arguments and variables stay as they were at the start, and a
provider's keys stay known.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from holdfast.clock import Clock, SystemClock
from holdfast.errors import InvalidInputError
from holdfast.noded.auth_environment import Secrets, read_file, setting, variable
from holdfast.noded.options import NodeOptions
from holdfast.noded.token_rules import in_field, read_rules, refuse_dangerous
from holdfast.tokens.claims import UserNameClaim
from holdfast.tokens.ec_key import EcVerifyingKey
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.jwks import read_key_set
from holdfast.tokens.key_files import load_verifying_keys
from holdfast.tokens.keys import OF_STORAGE_API, VerifyingKey
from holdfast.tokens.oidc import OidcSettings
from holdfast.tokens.published_keys import PublishedKeys
from holdfast.tokens.rsa_key import RsaVerifyingKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.system_tokens import SystemTokens

DEFAULT_ISSUER = "openstorage.io"
STORK_ISSUER = "stork.openstorage.io"
APPS_ISSUER = "apps.portworx.io"

_KeyFile = tuple[str, Path, Callable[[bytes], tuple[VerifyingKey, ...]]]


class Authentication:
    """What a node was told about issuers, from which they can be read again.

    Args:
        options: the arguments.
        environment: where secrets are.
        cluster_id: the issuer of tokens that nodes make for each other.
        clock: the time, for what a provider publishes.

    Raises:
        InvalidInputError: something is missing, contradictory, or would be dangerous.
    """

    def __init__(
        self,
        options: NodeOptions,
        environment: Mapping[str, str],
        *,
        cluster_id: str,
        clock: Clock | None = None,
    ) -> None:
        refuse_dangerous(options)
        self.rules = read_rules(options)
        self._allow_short = options.allow_short_shared_secret
        self._cluster_id = cluster_id
        self._user_issuer = options.jwt_issuer or setting(environment, "JWT_ISSUER")[1] or DEFAULT_ISSUER
        if self._user_issuer.lower().startswith(("http://", "https://")):
            raise InvalidInputError("-jwt_issuer: expected a plain name; a URL stands for an OIDC provider")
        self._user_secrets = Secrets(environment, "JWT_SHAREDSECRET")
        self._key_files = _key_files(options, environment)
        self._oidc = _oidc(options)
        self._published: PublishedKeys | None = None
        if self._oidc is not None:
            self._published = self._oidc.published_keys(clock or SystemClock())
        has_keys = self._user_secrets.given or bool(self._key_files)
        if options.security == "off" and (has_keys or self._oidc is not None):
            raise InvalidInputError(
                "--security off: expected no key and no provider for users' tokens beside it; "
                "a node that has one looks at tokens"
            )
        if options.security != "off" and not has_keys and (self._oidc is None or options.jwt_issuer):
            raise InvalidInputError(
                "no key to check users' tokens with: set PORTWORX_AUTH_JWT_SHAREDSECRET, "
                "or give -jwt_rsa_pubkey_file or -jwt_ecds_pubkey_file, or -oidc_issuer and -oidc_client_id"
            )
        self._system = Secrets(environment, "SYSTEM_KEY")
        self._stork = Secrets(environment, "STORK_KEY")
        self._apps = Secrets(environment, "SYSTEM_APPS_KEY")
        if shared := variable(environment, "PX_SHARED_SECRET"):
            self._stork = _of_stork(shared, self._stork, self._apps)

    def read(self) -> IssuerRegistry:
        """Return the issuers, with the keys that are in the files now.

        Raises:
            InvalidInputError: a weak or unreadable key, or one key for two issuers.
        """
        self._refuse_equal_secrets()
        issuers = list(self._users())
        machinery = (
            (self._cluster_id, self._system),
            (STORK_ISSUER, self._stork),
            (APPS_ISSUER, self._apps),
        )
        issuers += [
            self._issuer(name, self._secret_keys(secrets)) for name, secrets in machinery if secrets.given
        ]
        return IssuerRegistry(issuers)

    def system_tokens(self, node_id: str, clock: Clock) -> SystemTokens | None:
        """Return what makes this node's tokens for other nodes; ``None`` without a system key."""
        keys = self._secret_keys(self._system)
        return SystemTokens(self._cluster_id, node_id, key=keys[0], clock=clock) if keys else None

    def prefetch(self) -> None:
        """Begin to ask the provider for its keys; nobody waits for it."""
        if self._published is not None:
            self._published.prefetch()

    def _users(self) -> list[Issuer]:
        issuers = []
        keys: tuple[VerifyingKey, ...] = self._secret_keys(self._user_secrets)
        for field, path, load in self._key_files:
            keys += _loaded(field, path, load)
        if keys:
            issuers.append(self._issuer(self._user_issuer, keys, users=True))
        if self._oidc is not None:
            issuers.append(
                Issuer(
                    name=self._oidc.issuer,
                    published=self._published,
                    audience=self._oidc.client_id,
                    claim_namespace=self._oidc.claim_namespace,
                    user_name_claim=self.rules.user_name_claim,
                    clock_skew_seconds=self.rules.clock_skew_seconds,
                    max_lifetime_seconds=self.rules.max_lifetime_seconds,
                )
            )
        return issuers

    def _issuer(self, name: str, keys: tuple[VerifyingKey, ...], *, users: bool = False) -> Issuer:
        algorithms = OF_STORAGE_API & {algorithm for key in keys for algorithm in key.algorithms}
        if not algorithms:
            raise InvalidInputError("--jwt-keys-file: expected a key for an algorithm of RS* or ES*")
        return Issuer(
            name=name,
            keys=keys,
            algorithms=algorithms,
            user_name_claim=self.rules.user_name_claim if users else UserNameClaim.SUB,
            clock_skew_seconds=self.rules.clock_skew_seconds,
            max_lifetime_seconds=self.rules.max_lifetime_seconds,
            key_ids_are_hints=True,
            renews=users,
        )

    def _refuse_equal_secrets(self) -> None:
        """Name the variables; that no two issuers share any key is seen to by the registry."""
        first: dict[bytes, str] = {}
        for secrets in (self._user_secrets, self._system, self._stork, self._apps):
            for key in self._secret_keys(secrets):
                other = first.setdefault(key.fingerprint, secrets.name)
                if other != secrets.name:
                    raise InvalidInputError(
                        f"{other}, {secrets.name}: expected keys of its own for each issuer; make a new one"
                    )

    def _secret_keys(self, secrets: Secrets) -> tuple[SharedSecretKey, ...]:
        try:
            return tuple(
                SharedSecretKey(secret, allow_short_shared_secret=self._allow_short)
                for secret in secrets.read()
            )
        except InvalidInputError as error:
            raise InvalidInputError(in_field(secrets.name, error)) from None


def _key_files(options: NodeOptions, environment: Mapping[str, str]) -> tuple[_KeyFile, ...]:
    files: list[_KeyFile] = []
    for argument, name, paths, load in (
        ("-jwt_rsa_pubkey_file", "RSA_PUBKEY", options.jwt_rsa_pubkey_file, _rsa_keys),
        ("-jwt_ecds_pubkey_file", "ECDS_PUBKEY", options.jwt_ecds_pubkey_file, _ec_keys),
    ):
        said_by, path = setting(environment, name)
        chosen = (path,) if path else paths
        files += [(said_by or argument, Path(each), load) for each in chosen]
    files += [("--jwt-keys-file", Path(each), read_key_set) for each in options.jwt_keys_file]
    return tuple(files)


def _rsa_keys(pem: bytes) -> tuple[VerifyingKey, ...]:
    keys = load_verifying_keys(pem)
    if not all(isinstance(key, RsaVerifyingKey) for key in keys):
        raise InvalidInputError("expected RSA keys; EC keys belong to -jwt_ecds_pubkey_file")
    return keys


def _ec_keys(pem: bytes) -> tuple[VerifyingKey, ...]:
    keys = load_verifying_keys(pem)
    if not all(isinstance(key, EcVerifyingKey) for key in keys):
        raise InvalidInputError("expected EC keys; RSA keys belong to -jwt_rsa_pubkey_file")
    return keys


def _loaded(
    field: str, path: Path, load: Callable[[bytes], tuple[VerifyingKey, ...]]
) -> tuple[VerifyingKey, ...]:
    try:
        return load(read_file(path, field))
    except InvalidInputError as error:
        raise InvalidInputError(in_field(field, error)) from None


def _oidc(options: NodeOptions) -> OidcSettings | None:
    if not options.oidc_issuer and not options.oidc_client_id:
        if options.oidc_custom_claim_namespace or options.oidc_ca_file:
            raise InvalidInputError("-oidc_issuer, -oidc_client_id: expected with the other -oidc_ arguments")
        return None
    if not options.oidc_issuer or not options.oidc_client_id:
        raise InvalidInputError("-oidc_issuer, -oidc_client_id: expected both, or neither")
    ca_pem = ""
    if options.oidc_ca_file:
        ca_pem = read_file(Path(options.oidc_ca_file), "--oidc-ca-file").decode("ascii", "replace")
    return OidcSettings(
        options.oidc_issuer, options.oidc_client_id, options.oidc_custom_claim_namespace, ca_pem
    )


def _of_stork(shared: str, stork: Secrets, apps: Secrets) -> Secrets:
    """Return Stork's secret, where a variable that Stork reads itself names it."""
    if not stork.given and not apps.given:
        stork = Secrets.of("STORK_KEY", shared)
        stork.name = "PX_SHARED_SECRET"
        return stork
    known = {secret.reveal() for secret in (*stork.read(), *apps.read())}
    if Secrets.of("STORK_KEY", shared).read()[0].reveal() not in known:
        raise InvalidInputError("PX_SHARED_SECRET: expected the same as PORTWORX_AUTH_STORK_KEY")
    return stork
