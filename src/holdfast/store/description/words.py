"""What the OpenAPI document says in words: what each path is about, and which members answers have.

A path about a thing has the name of the thing, and the operation gives the verb; a path that does something
has a whole sentence. A path that is new here is described by its own words until somebody finds better ones.
"""

import re

from holdfast.store.request import Operation

_VERBS = {
    Operation.READ: "Read",
    Operation.LIST: "List",
    Operation.SCAN: "List everything below",
    Operation.WRITE: "Write",
    Operation.PATCH: "Change",
    Operation.DELETE: "Remove",
}

SUBJECTS: dict[str, str] = {
    "sys/init": "whether the store is initialised; a write initialises it",
    "sys/seal-status": "whether the store is sealed, and how far unsealing has come",
    "sys/leader": "which node leads; none does, or has to",
    "sys/health": "the state of the store as a status code, for load balancers",
    "sys/unseal": "Hand in a key share.",
    "sys/seal": "Seal the store.",
    "sys/shares": "Deal new key shares at once.",
    "sys/first-root-token": "the first root token, where the configuration had it kept",
    "sys/rotate": "Begin to encrypt with a new data key.",
    "sys/rotate/keyring": "Begin to encrypt with a new data key.",
    "sys/rotate/config": "when data keys are rotated by themselves",
    "sys/rotate/keyring/config": "when data keys are rotated by themselves",
    "sys/key-status": "which data key is in use, and since when",
    "sys/mounts": "the mounts of secrets engines",
    "sys/mounts/{}": "a mount of a secrets engine",
    "sys/mounts/{}/tune": "how a mount is tuned",
    "sys/mounts/auth/{}/tune": "how a mount of an auth method is tuned",
    "sys/auth": "the mounts of auth methods",
    "sys/auth/{}": "a mount of an auth method",
    "sys/auth/{}/tune": "how a mount of an auth method is tuned",
    "sys/remount": "Move a mount.",
    "sys/ha-status": "the nodes; the one that answers",
    "sys/replication/status": "whether stores follow each other; none does",
    "sys/step-down": "Give up a lead, which no node has.",
    "sys/config/cors": "which pages of other origins are let in; none are",
    "sys/decode-token": "Undo what hides a new root token.",
    "sys/internal/ui/resultant-acl": "the rules that count for the caller",
    "sys/plugins/catalog": "the engines and auth methods that can be mounted",
    "sys/remount/status/{}": "what became of a move",
    "sys/internal/ui/mounts": "the mounts that the caller reaches",
    "sys/internal/ui/mounts/{}": "the mount that a path is below",
    "sys/internal/specs/openapi": "this document",
    "sys/internal/help/{}": "this document, cut down to a path, and in words",
    "sys/policies/acl": "the names of policies",
    "sys/policies/acl/{}": "a policy",
    "sys/policies/explain": "Say which rule decides about a request, and how.",
    "sys/policy": "the names of policies, as older clients ask for them",
    "sys/policy/{}": "a policy, as older clients ask for it",
    "sys/capabilities-self": "Say what the caller may do at paths.",
    "sys/capabilities": "Say what a token may do at paths.",
    "sys/capabilities-accessor": "Say what the token of an accessor may do at paths.",
    "sys/audit": "the audit devices",
    "sys/audit/{}": "an audit device",
    "sys/config/auditing/request-headers": "the headers of requests that audit lines show",
    "sys/config/auditing/request-headers/<>": "whether audit lines show a header, and how",
    "sys/audit-hash/{}": "Say what stands for a text in the lines of an audit device.",
    "sys/audit-chain/{}": "the key that verifies the lines of an audit device",
    "sys/wrapping/wrap": "Have the store keep something behind a one-time token.",
    "sys/wrapping/lookup": "Say since when something waits behind a one-time token, and for how long.",
    "sys/wrapping/unwrap": "Fetch what waits behind a one-time token.",
    "sys/wrapping/rewrap": "Put what waits behind a one-time token behind another.",
    "sys/namespaces": "the namespaces in that of the request",
    "sys/namespaces/<>": "a namespace",
    "sys/namespaces/api-lock/lock": "Refuse every request in the namespace of the request.",
    "sys/namespaces/api-lock/lock/{}": "Refuse every request in a namespace.",
    "sys/namespaces/api-lock/unlock": "Serve requests in the namespace of the request again.",
    "sys/namespaces/api-lock/unlock/{}": "Serve requests in a namespace again.",
    "sys/internal/ui/namespaces": "the namespaces that the token reaches",
    "sys/leases": "the leases that cannot be ended",
    "sys/leases/lookup": "the leases below a path; a write says what is known of one",
    "sys/leases/renew": "Extend the life of what was leased.",
    "sys/leases/revoke": "End what was leased.",
    "sys/leases/revoke-prefix": "End everything that was leased below a path.",
    "sys/leases/revoke-force": "End everything that was leased below a path.",
    "sys/leases/count": "how many leases there are, by mount",
    "sys/leases/tidy": "Remove what has run out.",
    "sys/metrics": "what was counted",
    "sys/config/state/sanitized": "the configuration of the server, without what is secret in it",
    "sys/version-history": "which versions of the program have looked after the store",
    "sys/host-info": "what the machine is like that answers",
    "sys/quotas/config": "what counts for all quotas",
    "sys/quotas/rate-limit": "the rate limits",
    "sys/quotas/rate-limit/{}": "a rate limit",
    "sys/quotas/lease-count": "the limits of how many leases there may be",
    "sys/quotas/lease-count/{}": "a limit of how many leases there may be",
    "sys/tools/random": "Return random bytes.",
    "sys/tools/hash": "Return the hash of an input.",
    "sys/kv/bulk-read": "Read many secrets of any key-value mounts in one state.",
    "sys/kv/search": "Find secrets by name, where the caller could list his way to them.",
    "sys/rekey/init": "a change of key shares",
    "sys/rekey/update": "Hand in one of the shares that are to be replaced.",
    "sys/rekey/verify": "the verification of new shares",
    "sys/rekey/backup": "encrypted shares that were kept",
    "sys/generate-root/attempt": "an attempt to make a root token with key shares",
    "sys/generate-root/update": "Hand in a share for a root token.",
    "auth/token/create": "Make a token.",
    "auth/token/create-orphan": "Make a token that outlives the one that makes it.",
    "auth/token/create/{}": "Make a token in the name of a role.",
    "auth/token/lookup-self": "Say what the store knows of the caller's token.",
    "auth/token/lookup": "Say what the store knows of a token.",
    "auth/token/lookup-accessor": "Say what the store knows of the token of an accessor.",
    "auth/token/accessors": "the accessors of all tokens",
    "auth/token/renew-self": "Extend the life of the caller's token.",
    "auth/token/renew": "Extend the life of a token.",
    "auth/token/renew-accessor": "Extend the life of the token of an accessor.",
    "auth/token/revoke-self": "End the caller's token and all that were made with it.",
    "auth/token/revoke": "End a token and all that were made with it.",
    "auth/token/revoke-accessor": "End the token of an accessor and all that were made with it.",
    "auth/token/revoke-orphan": "End a token, but none that were made with it.",
    "auth/token/tidy": "Remove what has run out.",
    "auth/token/roles": "the token roles",
    "auth/token/roles/{}": "a token role",
    "identity/entity": "Make an entity, or change one.",
    "identity/entity/id": "the entities that something is stored about, by id",
    "identity/entity/id/{}": "an entity",
    "identity/entity/name": "the same entities by name",
    "identity/entity/name/{}": "an entity",
    "identity/entity/merge": "Have entities become another one.",
    "identity/entity/batch-delete": "Remove entities.",
    "identity/entity-alias": "Make an alias of an entity, or change one.",
    "identity/entity-alias/id": "the aliases of entities",
    "identity/entity-alias/id/{}": "an alias of an entity",
    "identity/group": "Make a group, or change one.",
    "identity/group/id": "the groups, by id",
    "identity/group/id/{}": "a group",
    "identity/group/name": "the groups, by name",
    "identity/group/name/{}": "a group",
    "identity/group-alias": "Make an alias of a group, or change one.",
    "identity/group-alias/id": "the aliases of groups",
    "identity/group-alias/id/{}": "an alias of a group",
    "identity/lookup/entity": "Find an entity by anything that it is known by.",
    "identity/lookup/group": "Find a group by anything that it is known by.",
    "kv:data/{path}": "a secret: its newest version, or the one that is asked for",
    "kv:metadata/{path}": "the versions of a secret, and notes about it",
    "kv:delete/{path}": "Delete versions; they can be brought back.",
    "kv:undelete/{path}": "Bring deleted versions back.",
    "kv:destroy/{path}": "Destroy versions for good.",
    "kv:subkeys/{path}": "the shape of a secret, without its values",
    "kv:detailed-metadata/{path}": "secrets with their versions and notes",
    "kv:config": "what counts for all secrets of the mount",
    "kv:{path}": "a secret",
    "cubbyhole:{path}": "something that only the caller's token sees, and that ends with it",
    "transit:keys/{name}": "a key, which stays in the store",
    "transit:keys/{name}/rotate": "Make a new version of a key.",
    "transit:keys/{name}/config": "what a key may be used for",
    "transit:keys/{name}/trim": "Remove old versions of a key for good.",
    "transit:encrypt/{name}": "Encrypt.",
    "transit:decrypt/{name}": "Decrypt.",
    "transit:rewrap/{name}": "Encrypt anew with the newest version, without showing the plaintext.",
    "transit:datakey/{name}/{second}": "Make a key for data outside, and encrypt it.",
    "transit:sign/{name}": "Sign.",
    "transit:verify/{name}": "Verify a signature or a MAC.",
    "transit:hmac/{name}": "Make a MAC.",
    "transit:hash": "Return the hash of an input.",
    "transit:random": "Return random bytes.",
}
"""By pattern of the path; those below a mount have its type in front."""

_LOOKED_UP = (
    "accessor creation_time creation_ttl display_name entity_id expire_time explicit_max_ttl id meta "
    "num_uses orphan path policies ttl type"
)
_ENTITY = (
    "id name metadata policies disabled aliases direct_group_ids inherited_group_ids group_ids "
    "merged_entity_ids creation_time last_update_time"
)
_GROUP = (
    "id name type policies metadata member_entity_ids member_group_ids parent_group_ids alias "
    "creation_time last_update_time"
)
_ALIAS = "id name canonical_id mount_accessor metadata custom_metadata creation_time last_update_time"
_MOUNT = "type description accessor uuid local seal_wrap options config"
_TUNED = "description default_lease_ttl max_lease_ttl force_no_cache"

_MEMBERS: dict[tuple[str, Operation], str] = {
    ("sys/key-status", Operation.READ): "term install_time encryptions",
    ("sys/mounts/{}", Operation.READ): _MOUNT,
    ("sys/mounts/{}/tune", Operation.READ): _TUNED,
    ("sys/auth/{}", Operation.READ): _MOUNT,
    ("sys/auth/{}/tune", Operation.READ): _TUNED,
    ("sys/internal/ui/mounts", Operation.READ): "secret auth",
    ("sys/internal/ui/mounts/{}", Operation.READ): f"{_MOUNT} path",
    ("sys/policies/acl", Operation.READ): "keys",
    ("sys/policies/acl/{}", Operation.READ): "name policy",
    ("sys/policy", Operation.READ): "keys policies",
    ("sys/policy/{}", Operation.READ): "name rules",
    ("sys/audit-hash/{}", Operation.WRITE): "hash",
    ("sys/wrapping/lookup", Operation.READ): "creation_time creation_ttl creation_path",
    ("sys/wrapping/lookup", Operation.WRITE): "creation_time creation_ttl creation_path",
    **{
        ("sys/namespaces/<>", operation): "id uuid path custom_metadata locked tainted"
        for operation in (Operation.READ, Operation.WRITE, Operation.PATCH)
    },
    ("sys/namespaces", Operation.LIST): "keys key_info",
    ("sys/namespaces/api-lock/lock", Operation.WRITE): "unlock_key",
    ("sys/namespaces/api-lock/lock/{}", Operation.WRITE): "unlock_key",
    ("sys/internal/ui/namespaces", Operation.READ): "keys",
    ("sys/leases", Operation.READ): "lease_count leases",
    ("sys/leases/count", Operation.READ): "lease_count counts",
    ("sys/leases/lookup", Operation.WRITE): "id issue_time expire_time last_renewal renewable ttl",
    ("sys/rotate/config", Operation.READ): "enabled max_operations interval",
    ("sys/rotate/keyring/config", Operation.READ): "enabled max_operations interval",
    ("sys/quotas/lease-count/{}", Operation.READ): "name type path max_leases counter role inheritable",
    ("sys/quotas/rate-limit/{}", Operation.READ): "name type path rate interval block_interval role",
    ("sys/host-info", Operation.READ): "host memory cpu timestamp",
    ("sys/tools/random", Operation.WRITE): "random_bytes",
    ("sys/tools/hash", Operation.WRITE): "sum",
    ("sys/kv/bulk-read", Operation.WRITE): "results",
    ("sys/kv/search", Operation.WRITE): "results after",
    ("auth/token/lookup-self", Operation.READ): _LOOKED_UP,
    ("auth/token/lookup-self", Operation.WRITE): _LOOKED_UP,
    ("auth/token/lookup", Operation.READ): _LOOKED_UP,
    ("auth/token/lookup", Operation.WRITE): _LOOKED_UP,
    ("auth/token/lookup-accessor", Operation.WRITE): _LOOKED_UP,
    ("identity/entity", Operation.WRITE): "id name aliases",
    ("identity/entity/id/{}", Operation.READ): _ENTITY,
    ("identity/entity/name/{}", Operation.READ): _ENTITY,
    ("identity/lookup/entity", Operation.WRITE): _ENTITY,
    ("identity/group", Operation.WRITE): "id name",
    ("identity/group/id/{}", Operation.READ): _GROUP,
    ("identity/group/name/{}", Operation.READ): _GROUP,
    ("identity/lookup/group", Operation.WRITE): _GROUP,
    ("identity/entity-alias", Operation.WRITE): "id canonical_id",
    ("identity/entity-alias/id/{}", Operation.READ): _ALIAS,
    ("identity/group-alias", Operation.WRITE): "id canonical_id",
    ("identity/group-alias/id/{}", Operation.READ): _ALIAS,
    ("kv:data/{path}", Operation.READ): "data metadata",
    ("kv:data/{path}", Operation.WRITE): "version created_time deletion_time destroyed custom_metadata",
    ("kv:data/{path}", Operation.PATCH): "version created_time deletion_time destroyed custom_metadata",
    ("kv:metadata/{path}", Operation.READ): "versions current_version oldest_version created_time "
    "updated_time max_versions cas_required delete_version_after custom_metadata "
    "current_metadata_version metadata_cas_required",
    ("kv:config", Operation.READ): "max_versions cas_required delete_version_after metadata_cas_required",
    ("kv:detailed-metadata/{path}", Operation.LIST): "keys key_info",
    ("kv:subkeys/{path}", Operation.READ): "subkeys metadata",
}

MEMBERS: dict[tuple[str, Operation], tuple[str, ...]] = {row: tuple(m.split()) for row, m in _MEMBERS.items()}
"""Which members the ``data`` of an answer have, by path as in ``SUBJECTS`` and by operation."""


_OTHER_NAMES = {
    "sys/rotate/root/": "sys/rekey/",
    "sys/generate-root-token/": "sys/generate-root/",
    "sys/renew": "sys/leases/renew",
    "sys/revoke": "sys/leases/revoke",
}


def explanation(path: str) -> str:
    """Return what ``SUBJECTS`` says of a path, of the same one by another name, or with less behind it."""
    for start, other in _OTHER_NAMES.items():
        if path.startswith(start):
            path = other + path.removeprefix(start)
    while path and path not in SUBJECTS:
        path, _, last = path.rpartition("/")
        if last not in {"{}", "<>", "{name}", "{second}", "{third}"}:
            return ""
    return SUBJECTS.get(path, "")


def summary(path: str, operation: Operation) -> str:
    """Return what an operation on a path does, as a sentence.

    Args:
        path: its pattern, with the type of its mount in front as in ``SUBJECTS``.
        operation: the operation.
    """
    subject = explanation(path)
    if subject.endswith("."):
        return subject
    if not subject:
        words = re.sub(r"\W+|_", " ", re.sub(r"\{\w*\}|<>", "", path.removeprefix("sys/"))).strip()
        subject = words or "a path of this mount"
    return f"{_VERBS[operation]} {subject}."
