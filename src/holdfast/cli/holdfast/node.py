"""``holdfast node``: hand the command line, which is that of ``px-runc``, to the storage node process."""

from argparse import Namespace
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.program import Run

# (names, destination, metavar, help), each taking one value.
_VALUES = (
    (("--cluster-id", "-c"), "cluster_id", "ID", "the cluster's name [holdfast]"),
    (("--node-id",), "node_id", "NAME", "this node's name [the host's]"),
    (
        ("--storage", "-s"),
        "storage",
        "DIR",
        "directory for records, backing files and audit log [/var/lib/holdfast/node]",
    ),
    (
        ("--kvdb", "-k"),
        "kvdb",
        "URL",
        "the cluster's state: zk://host:port,... or postgres://... [embedded, for one node]",
    ),
    (
        ("--pool",),
        "pool",
        "DIR",
        "directory of backing files; nodes may share one [volumes in the storage directory]",
    ),
    (("--advertise",), "advertise", "URL", "how others reach this node [the address it listens on]"),
    (("--attach-lease",), "attach_lease", "SECONDS", "when a node that is cut off lets go of volumes [15]"),
    (("--security",), "security", "on|off", "off: look at no token, where the cluster allows that [on]"),
    (("--pair-ca",), "pair_ca", "FILE", "authorities that certify clusters to pair with, PEM"),
    (("--config",), "config", "FILE", "config.json [/etc/pwx/config.json if it exists]"),
    (("--listen",), "listen", "HOST:PORT", "where to listen; port 0 picks a free one [127.0.0.1:9021]"),
    (("--grpc-listen",), "grpc_listen", "HOST:PORT|off", "the same for gRPC [one port below]"),
    (("--apicert",), "tls_cert", "FILE", "certificate of both, PEM"),
    (("--apikey",), "tls_key", "FILE", "its key, unencrypted PEM"),
    (("--apirootca",), "tls_client_ca", "FILE", "authorities for client certificates, PEM; requires one"),
    (("--ready-file",), "ready_file", "FILE", "written with address and process id when the node listens"),
    (
        ("--secret_type",),
        "secret_type",
        "TYPE",
        "secrets provider: vault, dcos, k8s, aws-kms, pkcs11, file; docs/secrets-providers.md has all",
    ),
    (
        ("--former-secret-type",),
        "former_secret_type",
        "TYPE",
        "provider that keys were in before; they are read there until `hfctl secrets move-keys`",
    ),
    (("--cluster_secret_key",), "cluster_secret_key", "NAME", "cluster-wide key, until one is set"),
    (("--jwt_issuer", "--jwt-issuer"), "jwt_issuer", "NAME", "issuer of the users' tokens [openstorage.io]"),
    (("--jwt-shared-secret",), "jwt_shared_secret", "SECRET", "refused; set PORTWORX_AUTH_JWT_SHAREDSECRET"),
    (
        ("--jwt-system-shared-secret",),
        "jwt_system_shared_secret",
        "SECRET",
        "refused; set PORTWORX_AUTH_SYSTEM_KEY",
    ),
    (
        ("--username_claim", "--username-claim"),
        "username_claim",
        "CLAIM",
        "claim that names the user: sub, email or name [sub]",
    ),
    (
        ("--oidc_issuer", "--oidc-issuer"),
        "oidc_issuer",
        "URL",
        "OpenID provider whose tokens are believed, as iss names it",
    ),
    (
        ("--oidc_client_id", "--oidc-client-id"),
        "oidc_client_id",
        "ID",
        "client that its tokens must be made for",
    ),
    (
        ("--oidc_custom_claim_namespace", "--oidc-custom-claim-namespace"),
        "oidc_custom_claim_namespace",
        "PREFIX",
        "what stands before its claims roles and groups, such as https://example.com/",
    ),
    (("--cloud-ca",), "cloud_ca", "FILE", "authorities that vouch for object stores [the host's]"),
    (("--oidc-ca-file",), "oidc_ca_file", "FILE", "authorities that vouch for the provider [the host's]"),
    (("--clock-leeway",), "clock_leeway", "SECONDS", "how far clocks of issuers may differ, up to 60 [0]"),
    (("--max-token-lifetime",), "max_token_lifetime", "TIME", "longest lifetime of a token [1y]"),
    (
        ("--max-token-renewal",),
        "max_token_renewal",
        "TIME",
        "how long after it was issued a token can be renewed, 0s for never [30d]",
    ),
    (
        ("--guest-access",),
        "guest_access",
        "enabled|disabled",
        "whether calls without a token are served [disabled]",
    ),
    (
        ("--ownerless-volumes",),
        "ownerless_volumes",
        "administrator|public",
        "who may use volumes that belong to nobody [administrator]; public only while they get owners",
    ),
    (("--backend",), "backend", "NAME", "auto, dm-crypt, luks-fuse or user-copy [auto]"),
    (
        ("--audit-log",),
        "audit_log",
        "FILE",
        "where decisions are written [audit.log in the storage directory]",
    ),
    (("--access-log",), "access_log", "FILE", "a line about every call [refusals, on standard error]"),
)

_LISTS = (
    (
        ("--jwt_rsa_pubkey_file", "--jwt-rsa-pubkey-file"),
        "jwt_rsa_pubkey_file",
        "FILE",
        "RSA keys that check users' tokens, PEM",
    ),
    (
        ("--jwt_ecds_pubkey_file", "--jwt-ecds-pubkey-file"),
        "jwt_ecds_pubkey_file",
        "FILE",
        "EC keys that check users' tokens, PEM",
    ),
    (("--jwt-keys-file",), "jwt_keys_file", "FILE", "a JSON Web Key Set that checks users' tokens"),
    (("--scheduler", "-x"), "schedulers", "NAME", "accepted, without effect"),
    (("--env", "-e"), "provider_settings", "NAME=VALUE", "setting of the secrets provider, never a token"),
    (
        ("--former-env",),
        "former_provider_settings",
        "NAME=VALUE",
        "setting of the former provider, never a token",
    ),
    (("--kvdb-option",), "kvdb_options", "NAME=VALUE", "option of the engine of -k, never a secret"),
    (
        ("--mount-root",),
        "mount_roots",
        "DIR",
        "directory below which volumes may be mounted and trees copied",
    ),
    (
        ("--cloud-endpoint",),
        "cloud_endpoints",
        "URL",
        "object store on this machine or its networks that cloud credentials of all users may be for",
    ),
)

_SWITCHES = (
    ("--oidc-skip-client-id-check", "oidc_skip_client_id_check", "refused; give -oidc_client_id"),
    (
        "--allow-short-shared-secret",
        "allow_short_shared_secret",
        "accept a shared secret that can be guessed",
    ),
    (
        "--allow-security-removal",
        "allow_security_removal",
        "let security be taken from the cluster once every node says so",
    ),
    ("--apidisclientauth", "tls_no_client_auth", "ask for no client certificate in spite of -apirootca"),
    ("--disable-mlock", "disable_mlock", "do not keep memory out of swap"),
)


def node(parser: CommandParser) -> Run:
    """Start a storage node in this process."""
    # Of a variable that is not set, say: the node would start with a default in the place of what was meant.
    parser.refuse_empty_values(but=frozenset({"--scheduler"}))
    for names, destination, metavar, text in _VALUES:
        parser.add_argument(*names, dest=destination, metavar=metavar, help=text)
    for names, destination, metavar, text in _LISTS:
        parser.add_argument(*names, dest=destination, action="append", default=[], metavar=metavar, help=text)
    for name, destination, text in _SWITCHES:
        parser.add_argument(name, dest=destination, action="store_true", help=text)
    return _node


def _node(arguments: Namespace) -> int:
    from holdfast.noded import NodeOptions, run

    said: dict[str, Any] = {name: value for name, value in vars(arguments).items() if value is not None}
    for _, destination, _, _ in _LISTS:
        said[destination] = tuple(said[destination])
    return run(NodeOptions(**said))
