"""Every command of ``holdfast`` and where it lives; nothing here imports one."""

from holdfast.cli.holdfast.advice import advise
from holdfast.cli.program import Command, Group, Program
from holdfast.version import VERSION

_HERE = "holdfast.cli.holdfast"

_OPERATOR = Group(
    "Open, close and rotate a store",
    {
        "init": Command("Give a new store its keys", f"{_HERE}.operator_init:init"),
        "unseal": Command("Hand over one unseal key share", f"{_HERE}.operator:unseal"),
        "seal": Command("Drop the keys at once", f"{_HERE}.operator:seal"),
        "rotate": Command("Encrypt new records with a new key", f"{_HERE}.operator:rotate"),
        "key-status": Command("Show the encryption key in use", f"{_HERE}.operator:key_status"),
    },
)

_KV = Group(
    "Work with secrets in a key-value mount",
    {
        "get": Command("Read a secret", f"{_HERE}.kv_read:get"),
        "list": Command("List the names below a path", f"{_HERE}.kv_read:list_names"),
        "put": Command("Write a secret, replacing all its fields", f"{_HERE}.kv_write:put"),
        "patch": Command("Change some fields of a secret", f"{_HERE}.kv_write:patch"),
        "delete": Command("Delete the newest or given versions", f"{_HERE}.kv_remove:delete"),
        "undelete": Command("Bring deleted versions back", f"{_HERE}.kv_remove:undelete"),
        "destroy": Command("Erase versions for good", f"{_HERE}.kv_remove:destroy"),
        "metadata": Group(
            "Work with the history of a secret",
            {
                "get": Command("Show all versions of a secret", f"{_HERE}.kv_metadata:get"),
                "delete": Command("Erase a secret with all its versions", f"{_HERE}.kv_metadata:delete"),
            },
        ),
    },
)

_POLICY = Group(
    "Say who may do what",
    {
        "write": Command("Store a policy from a file", f"{_HERE}.policy:write"),
        "read": Command("Print a policy", f"{_HERE}.policy:read"),
        "list": Command("List the policies", f"{_HERE}.policy:list_names"),
        "delete": Command("Remove a policy", f"{_HERE}.policy:delete"),
    },
)

_SECRETS = Group(
    "Mount and unmount secrets engines",
    {
        "enable": Command("Mount an engine", f"{_HERE}.mounts:enable"),
        "disable": Command("Unmount an engine and erase what is in it", f"{_HERE}.mounts:disable"),
        "list": Command("List the mounts", f"{_HERE}.mounts:list_mounts"),
    },
)

_TOKEN = Group(
    "Make, look up and revoke tokens",
    {
        "create": Command("Make a token", f"{_HERE}.token:create"),
        "lookup": Command("Show what a token is", f"{_HERE}.token:lookup"),
        "renew": Command("Extend a token's life", f"{_HERE}.token:renew"),
        "revoke": Command("End a token and its children", f"{_HERE}.token:revoke"),
    },
)

_SECURITY = Group(
    "The DC/OS dialect",
    {
        "secrets": Group(
            "Work with secrets as `dcos security secrets` does",
            {
                "create": Command("Create a secret", f"{_HERE}.security_secrets:create"),
                "get": Command("Read a secret", f"{_HERE}.security_secrets:get"),
                "list": Command("List all secrets below a path", f"{_HERE}.security_secrets:list_names"),
                "update": Command("Replace the value of a secret", f"{_HERE}.security_secrets:update"),
                "delete": Command("Delete a secret", f"{_HERE}.security_secrets:delete"),
            },
        ),
    },
)


PROGRAM = Program(
    name="holdfast",
    root=Group(
        "A sealed secret store",
        {
            "server": Command("Start a store", f"{_HERE}.server:server"),
            "node": Command("Start a storage node", f"{_HERE}.node:node"),
            "demo": Command("Run the main job end to end on real parts", "holdfast.cli.demo:demo"),
            "status": Command("Show whether the store is sealed", f"{_HERE}.status:status"),
            "operator": _OPERATOR,
            "login": Command("Keep a token for the commands that follow", f"{_HERE}.login:login"),
            "kv": _KV,
            "read": Command("Read any path of the API", f"{_HERE}.logical:read"),
            "write": Command("Write any path of the API", f"{_HERE}.logical:write"),
            "list": Command("List any path of the API", f"{_HERE}.logical:list_names"),
            "delete": Command("Delete any path of the API", f"{_HERE}.logical:delete"),
            "policy": _POLICY,
            "secrets": _SECRETS,
            "token": _TOKEN,
            "security": _SECURITY,
            "exec": Command("Run a command with secrets", "holdfast.cli.exec.command:run_with_secrets"),
            "version": Command("Print the version", f"{_HERE}.version:version"),
        },
    ),
    version=f"Holdfast v{VERSION}",
    options_with_value=frozenset(
        {
            "--address",
            "--ca-cert",
            "--ca-path",
            "--client-cert",
            "--client-key",
            "--format",
            "--namespace",
            "--tls-server-name",
        },
    ),
    explain=advise,
)
