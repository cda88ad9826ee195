"""The commands of ``hfctl secrets`` and where they live; nothing here imports one."""

from holdfast.cli.program import Command, Group

_HERE = "holdfast.cli.hfctl"
_LOGIN = f"{_HERE}.secrets_login"
_NAMES = f"{_HERE}.secrets_names"
_SCOPES = f"{_HERE}.secrets_scopes"

_SET_CLUSTER_KEY = Command("Say which secret is the cluster-wide key", f"{_HERE}.secrets:set_cluster_key")

SECRETS = Group(
    "Work with the cluster-wide key and the secrets provider",
    {
        "set-cluster-key": _SET_CLUSTER_KEY,
        "sc": _SET_CLUSTER_KEY,
        "rotate-cluster-key": Command(
            "Give the key a new version and every volume on it that version",
            f"{_HERE}.secrets:rotate_cluster_key",
        ),
        "move-keys": Command(
            "Move the keys of volumes from the former provider to the present one",
            f"{_HERE}.secrets:move_keys",
        ),
        "status": Command("Show whether keys can be had, and which are in use", f"{_HERE}.secrets:status"),
        "generate": Command("Make a random secret in the provider", f"{_NAMES}:generate"),
        "list": Command("List names of secrets in the provider", f"{_NAMES}:list_names"),
        "scope": Group(
            "Say who may name which secrets",
            {
                "list": Command("List the scopes", f"{_SCOPES}:list_scopes"),
                "set": Command("Store a scope, replacing one of that name", f"{_SCOPES}:put_scope"),
                "delete": Command("Delete a scope", f"{_SCOPES}:delete_scope"),
            },
        ),
        "vault": Group(
            "Work with Vault as the provider",
            {"login": Command("Log in with a token until the node stops", f"{_LOGIN}:vault")},
        ),
        "dcos": Group(
            "Work with DC/OS Secrets as the provider",
            {"login": Command("Log in with a name and password until the node stops", f"{_LOGIN}:dcos")},
        ),
        "k8s": Group(
            "Work with Kubernetes Secrets as the provider",
            {"login": Command("Have the node try its service account anew", f"{_LOGIN}:kubernetes")},
        ),
        "aws": Group(
            "Work with AWS as the provider",
            {
                "login": Command("Log in with an access key until the node stops", f"{_LOGIN}:aws"),
                "generate-kms-data-key": Command("Make a data key", f"{_NAMES}:generate_kms_key"),
                "list-secrets": Command("List names of secrets", f"{_NAMES}:list_names"),
            },
        ),
    },
)
