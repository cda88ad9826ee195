"""What the OpenAPI document says about the fields of requests: what each is, and which path takes which.

A field has one meaning wherever it stands, so it is explained once, in ``GLOSSARY``; ``FIELDS`` names the
fields of each path. Paths of engines and auth methods stand there with the type of the mount in front.
"""

from collections.abc import Mapping
from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**53}
_NUMBER: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}
_OBJECT: dict[str, Any] = {"type": "object"}
_TEXTS_BY_NAME: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_OBJECTS: dict[str, Any] = {"type": "array", "items": {"type": "object"}}
_BASE64: dict[str, Any] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_WORDS: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}
_NUMBERS: dict[str, Any] = {
    "type": "array",
    "items": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,9}$"}]},
}
_DURATION: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^([0-9]{1,6}[smhd]?)?$"}]
}
_LEASE_TTL: dict[str, Any] = {"anyOf": [*_DURATION["anyOf"], {"type": "string", "enum": ["system"]}]}

GLOSSARY: dict[str, tuple[dict[str, Any], str]] = {
    "accessor": (_TEXT, "accessor of a token"),
    "after": (_TEXT, "where the page before ended"),
    "alias_id": (_TEXT, "id of an alias of what is looked for"),
    "alias_mount_accessor": (_TEXT, "accessor of the auth mount that knows it by an alias"),
    "alias_name": (_TEXT, "name of that alias"),
    "algorithm": (_TEXT, "hash function, such as sha2-256"),
    "alias_name_source": (_TEXT, "serviceaccount_uid or serviceaccount_name"),
    "allow_plaintext_backup": (_FLAG, "whether the key may leave the store as a backup; cannot be undone"),
    "allowed_common_names": (_WORDS, "common names, with * for any text"),
    "allowed_dns_sans": (_WORDS, "DNS names, with * for any text"),
    "allowed_email_sans": (_WORDS, "mail addresses, with * for any text"),
    "allowed_metadata_extensions": (_WORDS, "object identifiers of extensions that a token tells"),
    "allowed_names": (_WORDS, "names of any kind, with * for any text"),
    "allowed_organizational_units": (_WORDS, "organizational units, with * for any text"),
    "allowed_policies": (_WORDS, "policies that tokens of the role may have"),
    "allowed_policies_glob": (_WORDS, "the same, with * for any text"),
    "allowed_redirect_uris": (_WORDS, "where a login through a browser may be sent back to"),
    "allowed_uri_sans": (_WORDS, "addresses, with * for any text"),
    "associated_data": (_BASE64, "data that are authenticated with the message, in base64"),
    "audience": (_TEXT, "audience that the token must be for"),
    "auto_rotate_period": (_DURATION, "after how long a new version is made; 0 for never"),
    "backup": (_TEXT, "what a backup of a key returned"),
    "batch_input": (_OBJECTS, "many of the same at once; each item has the fields of a single request"),
    "below": (_TEXT, "a mount, or a directory in one; empty for all mounts"),
    "bind_secret_id": (_FLAG, "whether a login needs a secret id"),
    "bits": (_COUNT, "length of the key: 128, 256 or 512"),
    "block_interval": (_DURATION, "for how long an address is refused once it sent too much"),
    "bound_audiences": (_WORDS, "audiences of which a token must be for one"),
    "bound_claims": (_OBJECT, "claims, and the values of which a token must have one"),
    "bound_claims_type": (_TEXT, "string, or glob for values with * for any text"),
    "bound_issuer": (_TEXT, "issuer that tokens must be of"),
    "bound_service_account_names": (_WORDS, "names of service accounts, with * for any text"),
    "bound_service_account_namespaces": (_WORDS, "their namespaces, with * for any text"),
    "bound_subject": (_TEXT, "subject that tokens must be about"),
    "bytes": (_COUNT, "how many random bytes"),
    "callback_mode": (_TEXT, "client, or direct for people who are sent back to the store itself"),
    "cas_required": (_FLAG, "whether writes must say which version they follow"),
    "certificate": (_TEXT, "certificates in PEM form"),
    "cidr_list": (_WORDS, "networks that a login with it may come from"),
    "ciphertext": (_TEXT, "what encryption returned"),
    "canonical_id": (_TEXT, "id of what the alias is of"),
    "claim_mappings": (_TEXTS_BY_NAME, "claims, and what they are called in the token's metadata"),
    "client_nonce": (_TEXT, "what the program that begins a login repeats when it takes the token"),
    "clock_skew_leeway": (_DURATION, "by how much clocks may differ"),
    "config": (_OBJECT, "how the mount is tuned"),
    "contains": (_TEXT, "text that is somewhere in the name, in upper or lower case"),
    "conflicting_alias_ids_to_keep": (_WORDS, "aliases to keep where both sides have one of a mount"),
    "context": (_BASE64, "what a derived key is derived from, in base64"),
    "convergent_encryption": (_FLAG, "whether the same plaintext gives the same ciphertext"),
    "crl": (_TEXT, "revocation list, in PEM form or DER in base64"),
    "disable_binding": (_FLAG, "whether tokens are renewed without the certificate that logged in"),
    "max_age": (_DURATION, "how long ago people may have proved themselves to the provider; 0 for any time"),
    "oidc_client_id": (_TEXT, "as whom the provider knows this store"),
    "oidc_client_secret": (_TEXT, "proves that; never shown"),
    "oidc_scopes": (_WORDS, "what the provider is asked for beside openid"),
    "redirect_uri": (_TEXT, "where the provider sends people back to"),
    "required_extensions": (_WORDS, "extensions that a certificate must have, as oid:value"),
    "state": (_TEXT, "what the login was given when it began"),
    "unlock_key": (_TEXT, "what was given out when the namespace was locked"),
    "custom_metadata": (_TEXTS_BY_NAME, "notes, in clear for whoever may read metadata"),
    "default_lease_ttl": (_LEASE_TTL, "how long leases of the mount last where nothing else is said"),
    "default_role": (_TEXT, "role of logins that name none"),
    "delete_version_after": (_DURATION, "after how long a version deletes itself; 0 for never"),
    "deletion_allowed": (_FLAG, "whether the key may be deleted"),
    "derived": (_FLAG, "whether each context has a key of its own"),
    "description": (_TEXT, "for people"),
    "disable_iss_validation": (_FLAG, "whether the issuer of a token is left unchecked"),
    "disable_local_ca_jwt": (_FLAG, "whether the certificate and token of our own pod are left unused"),
    "disabled": (_FLAG, "whether everything it has is refused"),
    "disable_upsert": (_FLAG, "whether encrypting makes no new key"),
    "disallowed_policies": (_WORDS, "policies that no token of the role has"),
    "disallowed_policies_glob": (_WORDS, "the same, with * for any text"),
    "display_name": (_TEXT, "name of the token in records, for people"),
    "entity_ids": (_WORDS, "ids of entities"),
    "enable_rate_limit_audit_logging": (_FLAG, "whether refusals are in the audit log"),
    "enable_rate_limit_response_headers": (_FLAG, "kept for clients that send it"),
    "enabled": (_FLAG, "whether the other settings count"),
    "expiration_leeway": (_DURATION, "how long after its end a token still counts"),
    "explicit_max_ttl": (_DURATION, "limit of its life that no renewal passes"),
    "encoded_token": (_TEXT, "what a ceremony for a root token returned"),
    "exportable": (_FLAG, "whether the key may leave the store; cannot be undone"),
    "force": (_FLAG, "whether a key of the same name is replaced"),
    "format": (_TEXT, "hex or base64"),
    "from_entity_ids": (_WORDS, "ids of the entities that become another"),
    "from": (_TEXT, "path of the mount that moves"),
    "glob": (_TEXT, "pattern with * and ? for the last part of the name, or for all of it if it has a slash"),
    "groups_claim": (_TEXT, "claim that names groups"),
    "hash_algorithm": (_TEXT, "hash function, such as sha2-256"),
    "hmac": (_TEXT, "the MAC to verify; or true to have a header hashed"),
    "id": (_TEXT, "text of a token, in place of a random one; or id of what is changed"),
    "increment": (_DURATION, "how much longer it shall live, from now on"),
    "inheritable": (_FLAG, "whether the limit counts below the path, too"),
    "input": (_BASE64, "data in base64"),
    "interval": (_DURATION, "over which time"),
    "issuer": (_TEXT, "issuer that tokens must be of"),
    "jwks_ca_pem": (_TEXT, "authorities to trust on the way to jwks_url, in PEM form"),
    "jwks_url": (_TEXT, "where the provider's public keys are"),
    "jwt": (_TEXT, "the signed token that proves who it is"),
    "jwt_supported_algs": (_WORDS, "signature algorithms that are accepted"),
    "jwt_validation_pubkeys": (_WORDS, "the provider's public keys, in PEM form"),
    "key": (_TEXT, "a key share, in hex or base64"),
    "key_size": (_COUNT, "length of an HMAC key in bytes"),
    "key_version": (_COUNT, "which version of the key; 0 for the newest"),
    "kubernetes_ca_cert": (_TEXT, "authorities of the Kubernetes API, in PEM form"),
    "kubernetes_host": (_TEXT, "address of the Kubernetes API"),
    "lease_id": (_TEXT, "name of a lease"),
    "limit": ({"type": "integer", "minimum": 0, "maximum": 1000}, "how many at most; 0 for the default"),
    "listing_visibility": (_TEXT, "unauth to show the mount to anybody, hidden or empty not to"),
    "local": (_FLAG, "kept for clients that send it"),
    "local_secret_ids": (_FLAG, "kept for clients that send it"),
    "local_verification": (_FLAG, "whether tokens are verified here, with the cluster's public keys"),
    "marshaling_algorithm": (_TEXT, "form of ECDSA signatures: asn1 or jws"),
    "max_lease_ttl": (_LEASE_TTL, "how long leases of the mount last at most"),
    "max_leases": (_COUNT, "how many leases there may be"),
    "max_operations": (_COUNT, "how much one key encrypts"),
    "max_versions": (_COUNT, "how many versions are kept; 0 for the default"),
    "meta": (_TEXTS_BY_NAME, "notes on the token, which audit lines show"),
    "member_entity_ids": (_WORDS, "ids of all entities that shall be in the group"),
    "member_group_ids": (_WORDS, "ids of all groups that shall be in the group"),
    "metadata": (_TEXTS_BY_NAME, "notes on a secret id, which its tokens carry; or on an entity or a group"),
    "mount_accessor": (_TEXT, "accessor of the auth mount that knows somebody by the alias"),
    "metadata_cas": (_COUNT, "version that the metadata must have; 0 for never written"),
    "metadata_cas_required": (_FLAG, "whether changes of metadata must say which version they follow"),
    "migrate": (_FLAG, "whether to change the kind of seal"),
    "min_available_version": (_COUNT, "the oldest version that is kept"),
    "min_decryption_version": (_COUNT, "the oldest version that still decrypts"),
    "min_encryption_version": (_COUNT, "the oldest version that still encrypts; 0 for the newest"),
    "name": (_TEXT, "name of the role, the key, the entity, the group or the alias"),
    "no_default_policy": (_FLAG, "whether to leave the policy default out"),
    "no_parent": (_FLAG, "whether it outlives the token that makes it"),
    "nonce": (_TEXT, "which attempt this is meant for"),
    "not_before_leeway": (_DURATION, "how long before its beginning a token counts"),
    "num_uses": (_COUNT, "how often it may be used; 0 for no limit"),
    "oidc_discovery_ca_pem": (_TEXT, "authorities to trust on the way to oidc_discovery_url, in PEM form"),
    "oidc_discovery_url": (_TEXT, "address of the provider"),
    "options": (_OBJECT, "settings of the engine, such as the version of KV; or of the write, such as cas"),
    "orphan": (_FLAG, "whether tokens outlive the ones that make them"),
    "otp": (_TEXT, "one-time pad that the token is hidden with"),
    "parameters": (_OBJECT, "fields that the request would have"),
    "password": ({"type": "string", "format": "password"}, "the password"),
    "path": (_TEXT, "a path, without /v1/"),
    "path_suffix": (_TEXT, "what is put behind the path in the names of leases"),
    "paths": (_WORDS, "paths, without /v1/"),
    "pem_keys": (_WORDS, "public keys of the cluster, in PEM form"),
    "period": (_DURATION, "life that each renewal gives anew, without an end"),
    "pgp_key": (_BASE64, "public OpenPGP key to encrypt the token for, in base64"),
    "pgp_keys": (_WORDS, "public OpenPGP keys in base64, one for each share"),
    "plaintext": (_BASE64, "what to encrypt, in base64"),
    "policies": (_WORDS, "names of policies"),
    "policy": (_TEXT, "the rules, as HCL or JSON, or either in base64"),
    "prefix": (_TEXT, "text that the name begins with"),
    "prehashed": (_FLAG, "whether the input is a hash already"),
    "rate": (_NUMBER, "how many requests an address may send in the interval"),
    "rate_limit_exempt_paths": (_WORDS, "paths that no limit counts for"),
    "renewable": (_FLAG, "whether its life can be extended"),
    "require_verification": (_FLAG, "whether new shares count only once they were handed in"),
    "reset": (_FLAG, "whether to drop the shares handed in so far"),
    "role": (_TEXT, "name of the role to log in by"),
    "role_id": (_TEXT, "id of the role, which is no secret"),
    "role_type": (_TEXT, "jwt"),
    "root_token_pgp_key": (_BASE64, "public OpenPGP key to encrypt the root token for, in base64"),
    "rules": (_TEXT, "older name of policy"),
    "salt_length": (_TEXT, "length of the salt of RSA-PSS: auto, hash or a number"),
    "secret_id": (_TEXT, "a secret id"),
    "secret_id_accessor": (_TEXT, "accessor of a secret id"),
    "secret_id_bound_cidrs": (_WORDS, "networks that logins may come from"),
    "secret_id_num_uses": (_COUNT, "how often each secret id may be used; 0 for no limit"),
    "secret_id_ttl": (_DURATION, "how long each secret id counts; 0 for no limit"),
    "secret_shares": ({"type": "integer", "minimum": 1, "maximum": 255}, "how many shares to deal"),
    "secret_threshold": ({"type": "integer", "minimum": 1, "maximum": 255}, "how many of them are needed"),
    "shares": ({"type": "integer", "minimum": 1, "maximum": 255}, "how many shares to deal"),
    "signature": (_TEXT, "the signature to verify"),
    "signature_algorithm": (_TEXT, "RSA signatures: pss or pkcs1v15"),
    "source": (_TEXT, "where random bytes come from: platform"),
    "sync": (_FLAG, "kept for clients that send it: an answer comes after the end of the lease"),
    "threshold": ({"type": "integer", "minimum": 1, "maximum": 255}, "how many of them are needed"),
    "to": (_TEXT, "path that it moves to"),
    "to_entity_id": (_TEXT, "id of the entity that they become"),
    "token": (_TEXT, "a token"),
    "token_bound_cidrs": (_WORDS, "networks that tokens may be used from"),
    "token_explicit_max_ttl": (_DURATION, "limit of a token's life that no renewal passes"),
    "token_max_ttl": (_DURATION, "how long renewals keep a token alive"),
    "token_no_default_policy": (_FLAG, "whether tokens go without the policy default"),
    "token_num_uses": (_COUNT, "how often a token may be used; 0 for no limit"),
    "token_period": (_DURATION, "life that each renewal of a token gives anew, without an end"),
    "token_policies": (_WORDS, "policies of tokens"),
    "token_reviewer_jwt": (_TEXT, "token that asks the Kubernetes API about other tokens"),
    "token_ttl": (_DURATION, "first life of a token"),
    "token_type": (_TEXT, "service or batch, or either as a default that a request may change"),
    "ttl": (_DURATION, "how long it lives"),
    "type": (_TEXT, "which kind to make"),
    "url": (_TEXT, "where a revocation list is published"),
    "user_claim": (_TEXT, "claim that says who it is"),
    "verb": (_TEXT, "what the caller would do, as an HTTP method or a capability"),
    "versions": (_NUMBERS, "numbers of versions"),
}

_OF_A_NEW_ONE = (
    "id policies meta no_parent no_default_policy renewable ttl type explicit_max_ttl display_name num_uses "
    "period"
)
_ROLE_TOKENS = (
    "token_ttl token_max_ttl token_period token_explicit_max_ttl token_policies token_no_default_policy "
    "token_num_uses token_bound_cidrs token_type"
)
_TUNING = "description default_lease_ttl max_lease_ttl options"
_AUTH_TUNING = "description default_lease_ttl max_lease_ttl token_type listing_visibility options"
_REKEY = {
    "init": "secret_shares secret_threshold pgp_keys require_verification",
    "update": "key nonce",
    "verify": "key nonce",
}
_GENERATION = {"attempt": "otp pgp_key", "update": "key nonce"}
_LEASE_WRITES = {"renew": "lease_id increment", "revoke": "lease_id sync"}
_VERSIONED = "max_versions cas_required delete_version_after metadata_cas_required"
_SIGNING = "hash_algorithm signature_algorithm marshaling_algorithm salt_length prehashed context batch_input"

_NAMES: dict[str, str] = {
    "sys/init": "secret_shares secret_threshold pgp_keys root_token_pgp_key",
    "sys/unseal": "key reset migrate",
    "sys/shares": "shares threshold pgp_keys",
    "sys/mounts/{}": "type description config options",
    "sys/mounts/{}/tune": _TUNING,
    "sys/mounts/auth/{}/tune": _AUTH_TUNING,
    "sys/auth/{}": "type description config",
    "sys/auth/{}/tune": _AUTH_TUNING,
    "sys/remount": "from to",
    "sys/decode-token": "encoded_token otp",
    "sys/config/cors": "enabled",
    "sys/policies/acl/{}": "policy",
    "sys/policies/explain": "token path verb parameters",
    "sys/policy/{}": "policy rules",
    "sys/capabilities-self": "paths path",
    "sys/capabilities": "token paths path",
    "sys/capabilities-accessor": "accessor paths path",
    "sys/config/auditing/request-headers/<>": "hmac",
    "sys/audit-hash/{}": "input",
    "sys/wrapping/lookup": "token",
    "sys/wrapping/unwrap": "token",
    "sys/wrapping/rewrap": "token",
    "sys/namespaces/<>": "custom_metadata",
    "sys/namespaces/api-lock/unlock": "unlock_key",
    "sys/namespaces/api-lock/unlock/{}": "unlock_key",
    "sys/leases/lookup": "lease_id",
    "identity/entity": "id name policies metadata disabled",
    "identity/entity/id/{}": "name policies metadata disabled",
    "identity/entity/name/{}": "policies metadata disabled",
    "identity/entity/merge": "from_entity_ids to_entity_id conflicting_alias_ids_to_keep force",
    "identity/entity/batch-delete": "entity_ids",
    "identity/entity-alias": "id name mount_accessor canonical_id custom_metadata",
    "identity/entity-alias/id/{}": "name mount_accessor canonical_id custom_metadata",
    "identity/group": "id name type policies metadata member_entity_ids member_group_ids",
    "identity/group/id/{}": "name type policies metadata member_entity_ids member_group_ids",
    "identity/group/name/{}": "type policies metadata member_entity_ids member_group_ids",
    "identity/group-alias": "id name mount_accessor canonical_id",
    "identity/group-alias/id/{}": "name mount_accessor canonical_id",
    "identity/lookup/entity": "id name alias_id alias_name alias_mount_accessor",
    "identity/lookup/group": "id name alias_id alias_name alias_mount_accessor",
    **{
        f"sys/{where}{doing}{end}": names
        for where in ("leases/", "")
        for doing, names in _LEASE_WRITES.items()
        for end in ("", "/{}")
    },
    **{f"sys/{place}/config": "enabled max_operations interval" for place in ("rotate", "rotate/keyring")},
    **{f"sys/{place}/{step}": names for place in ("rekey", "rotate/root") for step, names in _REKEY.items()},
    **{
        f"sys/{place}/{step}": names
        for place in ("generate-root", "generate-root-token")
        for step, names in _GENERATION.items()
    },
    "sys/quotas/config": (
        "enable_rate_limit_audit_logging enable_rate_limit_response_headers rate_limit_exempt_paths"
    ),
    "sys/audit/{}": "type description options local",
    "sys/quotas/lease-count/{}": "path max_leases role inheritable",
    "sys/quotas/rate-limit/{}": "path rate interval block_interval inheritable",
    "sys/tools/random": "bytes source format",
    "sys/tools/random/<>": "bytes source format",
    "sys/tools/random/<>/<>": "format",
    "sys/tools/hash": "input algorithm format",
    "sys/tools/hash/<>": "input format",
    "sys/kv/bulk-read": "paths",
    "sys/kv/search": "below contains prefix glob custom_metadata after limit",
    "auth/token/create": _OF_A_NEW_ONE,
    "auth/token/create-orphan": _OF_A_NEW_ONE,
    "auth/token/create/{}": _OF_A_NEW_ONE,
    "auth/token/lookup": "token",
    "auth/token/lookup-accessor": "accessor",
    "auth/token/renew": "token increment",
    "auth/token/renew-self": "increment",
    "auth/token/renew-accessor": "accessor increment",
    "auth/token/revoke": "token",
    "auth/token/revoke-accessor": "accessor",
    "auth/token/revoke-orphan": "token",
    "auth/token/roles/{}": (
        "allowed_policies allowed_policies_glob disallowed_policies disallowed_policies_glob orphan "
        "renewable path_suffix token_type token_period token_explicit_max_ttl token_bound_cidrs "
        "token_no_default_policy token_num_uses"
    ),
    "kv:data/{path}": "options",
    "kv:config": _VERSIONED,
    "kv:metadata/{path}": f"{_VERSIONED} custom_metadata metadata_cas",
    **{f"kv:{section}/{{path}}": "versions" for section in ("delete", "undelete", "destroy")},
    "transit:keys/{name}": "type key_size derived convergent_encryption exportable allow_plaintext_backup "
    "auto_rotate_period",
    "transit:keys/{name}/config": "min_decryption_version min_encryption_version deletion_allowed exportable "
    "allow_plaintext_backup auto_rotate_period",
    "transit:keys/{name}/trim": "min_available_version",
    "transit:config/{name}": "disable_upsert",
    "transit:restore": "backup name force",
    "transit:restore/{name}": "backup force",
    "transit:encrypt/{name}": "plaintext context associated_data key_version type convergent_encryption "
    "batch_input",
    "transit:decrypt/{name}": "ciphertext context associated_data batch_input",
    "transit:rewrap/{name}": "ciphertext context key_version batch_input",
    "transit:datakey/{name}/{second}": "context bits",
    "transit:sign/{name}": f"input key_version {_SIGNING}",
    "transit:sign/{name}/{second}": f"input key_version {_SIGNING}",
    "transit:verify/{name}": f"input signature hmac {_SIGNING}",
    "transit:verify/{name}/{second}": f"input signature hmac {_SIGNING}",
    "transit:hmac/{name}": "input algorithm key_version batch_input",
    "transit:hmac/{name}/{second}": "input key_version batch_input",
    "transit:hash": "input algorithm format",
    "transit:hash/{name}": "input format",
    "transit:random": "bytes source format",
    "transit:random/{name}": "bytes source format",
    "transit:random/{name}/{second}": "format",
    "userpass:users/<>": f"password {_ROLE_TOKENS}",
    "userpass:users/<>/password": "password",
    "userpass:users/<>/policies": "token_policies policies",
    "userpass:login/{name}": "password",
    "approle:role/<>": "bind_secret_id secret_id_bound_cidrs secret_id_num_uses secret_id_ttl "
    f"local_secret_ids {_ROLE_TOKENS}",
    "approle:role/<>/role-id": "role_id",
    "approle:role/<>/secret-id": "metadata cidr_list token_bound_cidrs num_uses ttl",
    "approle:role/<>/custom-secret-id": "secret_id metadata cidr_list token_bound_cidrs num_uses ttl",
    **{f"approle:role/<>/secret-id/{doing}": "secret_id" for doing in ("lookup", "destroy")},
    **{
        f"approle:role/<>/secret-id-accessor/{doing}": "secret_id_accessor" for doing in ("lookup", "destroy")
    },
    "approle:login": "role_id secret_id",
    "cert:certs/<>": "certificate allowed_names allowed_common_names allowed_dns_sans allowed_email_sans "
    "allowed_uri_sans allowed_organizational_units required_extensions allowed_metadata_extensions "
    f"display_name {_ROLE_TOKENS}",
    "cert:config": "disable_binding",
    "cert:crls/<>": "crl url",
    "cert:login": "name",
    "jwt:config": "oidc_discovery_url oidc_discovery_ca_pem jwks_url jwks_ca_pem jwt_validation_pubkeys "
    "bound_issuer jwt_supported_algs default_role oidc_client_id oidc_client_secret",
    "jwt:role/<>": "role_type user_claim bound_audiences bound_subject bound_claims bound_claims_type "
    "claim_mappings groups_claim expiration_leeway not_before_leeway clock_skew_leeway allowed_redirect_uris "
    f"oidc_scopes max_age callback_mode {_ROLE_TOKENS}",
    "jwt:login": "role jwt",
    "jwt:oidc/auth_url": "role redirect_uri client_nonce",
    "jwt:oidc/poll": "state client_nonce",
    "kubernetes:config": "kubernetes_host kubernetes_ca_cert token_reviewer_jwt pem_keys issuer "
    "disable_iss_validation disable_local_ca_jwt local_verification",
    "kubernetes:role/<>": "bound_service_account_names bound_service_account_namespaces audience "
    f"alias_name_source {_ROLE_TOKENS}",
    "kubernetes:login": "role jwt",
}

FIELDS: dict[str, tuple[str, ...]] = {path: tuple(names.split()) for path, names in _NAMES.items()}


# Taken without being explained: older names, and what stands in the path as well.
_TAKEN_TOO = frozenset(
    {"backup", "lease", "entity_alias", "name", "role", "role_name", "username", "path", "mount"}
)
_MOST_NAMED = 20


def unrecognized(path: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of fields that one of the store's own paths does not take, sorted.

    Args:
        path: the pattern of the path; where its fields are not known, every name is.
        values: the fields of a request.
    """
    names = FIELDS.get(path)
    if names is None:
        return ()
    return tuple(sorted(set(values).difference(names, _TAKEN_TOO)))[:_MOST_NAMED]


def request_schema(path: str, mount_type: str = "") -> dict[str, Any]:
    """Return the schema of what is written to a path; any object where nothing is known of it.

    Args:
        path: the pattern of the path, below its mount if it has one.
        mount_type: type of the mount; empty for the store's own paths.
    """
    if mount_type == "kv" and path == "data/{path}":
        properties = {"data": {"type": "object", "description": "the secret"}} | _properties(("options",))
        return {"type": "object", "properties": properties, "required": ["data"]}
    names = FIELDS.get(f"{mount_type}:{path}" if mount_type else path)
    return {"type": "object", "properties": _properties(names)} if names else {"type": "object"}


def _properties(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {**GLOSSARY[name][0], "description": GLOSSARY[name][1]} for name in names}
