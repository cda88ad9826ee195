"""What the command line of a storage node says, as it was typed. ``None`` and empty mean: not said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """The arguments, with the names that ``px-runc`` gives them where it has them.

    Attributes:
        config: ``config.json`` to read; by default ``/etc/pwx/config.json`` if that exists.
        cluster_id: ``-c``.
        node_id: name of this node; the host's name by default.
        storage: ``-s``, the directory for records, backing files and audit log.
        kvdb: ``-k``, where the cluster's state is; see ``state``.
        kvdb_options: ``--kvdb-option NAME=VALUE``.
        pool: directory of backing files; ``volumes`` in the storage directory by default.
        advertise: address by which others reach this node; by default the one it listens on.
        attach_lease: seconds after which a node that cannot renew lets go of what it attached.
        security: ``on`` or ``off``; off means that no token is looked at.
        allow_security_removal: let security be taken from the cluster once all its nodes say so.
        pair_ca: authorities that certify clusters to pair with, PEM.
        schedulers: ``-x``; accepted, without effect.
        secret_type: ``-secret_type``.
        cluster_secret_key: ``-cluster_secret_key``.
        provider_settings: ``-e KEY=VALUE``.
        former_secret_type: the provider that keys are to be moved from.
        former_provider_settings: of that one.
        jwt_issuer: ``-jwt_issuer``.
        jwt_rsa_pubkey_file: ``-jwt_rsa_pubkey_file``; may be given more than once, like the two below.
        jwt_ecds_pubkey_file: ``-jwt_ecds_pubkey_file``.
        jwt_keys_file: a JSON Web Key Set.
        jwt_shared_secret: refused, like the one below: a secret does not belong into an argument.
        jwt_system_shared_secret: see above.
        username_claim: ``-username_claim``.
        oidc_issuer: ``-oidc_issuer``.
        oidc_client_id: ``-oidc_client_id``.
        oidc_custom_claim_namespace: ``-oidc_custom_claim_namespace``.
        oidc_ca_file: authorities to trust for the provider instead of the host's.
        oidc_skip_client_id_check: refused.
        clock_leeway: seconds by which the clocks of issuers may differ.
        max_token_lifetime: the longest lifetime of a token, as digits and a unit.
        max_token_renewal: how long a token can be renewed.
        listen: ``host:port`` of the REST side; port 0 picks a free one.
        grpc_listen: the same of gRPC, or ``off``; by default the port below that of ``listen``.
        tls_cert: ``-apicert``; like the three below for both sides.
        tls_key: ``-apikey``.
        tls_client_ca: ``-apirootca``; client certificates are asked for, and checked against it.
        tls_no_client_auth: ``-apidisclientauth``; they are not asked for after all.
        ready_file: written, as JSON, when the node listens.
        guest_access: ``enabled`` or ``disabled``.
        ownerless_volumes: ``administrator`` or ``public``: who may use volumes that belong to nobody.
        mount_roots: directories below which volumes may be mounted and trees copied.
        cloud_endpoints: endpoints of object stores that the operator vouches for, with their scheme.
        cloud_ca: authorities to trust for object stores instead of the host's.
        backend: which volume back end to use, or ``auto``.
        audit_log: file for decisions; ``audit.log`` in the storage directory by default.
        access_log: file for a line about every call; without one, only refusals are told, on standard error.
        allow_short_shared_secret: accept a shared secret that is shorter than it should be.
        disable_mlock: do not lock memory.
    """

    config: str = ""
    cluster_id: str = ""
    node_id: str = ""
    storage: str = ""
    kvdb: str = ""
    kvdb_options: tuple[str, ...] = ()
    pool: str = ""
    advertise: str = ""
    attach_lease: str = ""
    security: str = "on"
    allow_security_removal: bool = False
    pair_ca: str = ""
    schedulers: tuple[str, ...] = ()
    secret_type: str = ""
    cluster_secret_key: str = ""
    provider_settings: tuple[str, ...] = ()
    former_secret_type: str = ""
    former_provider_settings: tuple[str, ...] = ()
    jwt_issuer: str = ""
    jwt_rsa_pubkey_file: tuple[str, ...] = ()
    jwt_ecds_pubkey_file: tuple[str, ...] = ()
    jwt_keys_file: tuple[str, ...] = ()
    jwt_shared_secret: str = ""
    jwt_system_shared_secret: str = ""
    username_claim: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_custom_claim_namespace: str = ""
    oidc_ca_file: str = ""
    oidc_skip_client_id_check: bool = False
    clock_leeway: str = ""
    max_token_lifetime: str = ""
    max_token_renewal: str = ""
    listen: str = "127.0.0.1:9021"
    grpc_listen: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    tls_no_client_auth: bool = False
    ready_file: str = ""
    guest_access: str = "disabled"
    ownerless_volumes: str = "administrator"
    mount_roots: tuple[str, ...] = ()
    cloud_endpoints: tuple[str, ...] = ()
    cloud_ca: str = ""
    backend: str = "auto"
    audit_log: str = ""
    access_log: str = ""
    allow_short_shared_secret: bool = False
    disable_mlock: bool = False
