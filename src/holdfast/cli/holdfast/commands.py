"""Every command of ``holdfast`` and where it lives; nothing here imports one."""

from holdfast.cli.holdfast.advice import advise
from holdfast.cli.program import Command, Group, Program
from holdfast.version import VERSION

_HERE = "holdfast.cli.holdfast"
_MIGRATE = "holdfast.cli.migrate"

_OPERATOR = Group(
    "Open, close and rotate a store",
    {
        "init": Command("Give a new store its keys", f"{_HERE}.operator_init:init"),
        "unseal": Command("Hand over one unseal key share", f"{_HERE}.operator:unseal"),
        "seal": Command("Drop the keys at once", f"{_HERE}.operator:seal"),
        "rotate": Command("Encrypt new records with a new key", f"{_HERE}.operator:rotate"),
        "backup": Command("Save all records to a file", f"{_HERE}.operator_backup:backup"),
        "restore": Command("Bring the records of a file back", f"{_HERE}.operator_backup:restore"),
        "migrate": Command("Move a store to another engine", f"{_HERE}.operator_migrate:migrate"),
        "rekey": Command("Deal new shares of the unseal key", f"{_HERE}.operator_rekey:rekey"),
        "generate-root": Command(
            "Make a root token, with enough shares", f"{_HERE}.operator_generate_root:generate_root"
        ),
        "key-status": Command("Show the encryption key in use", f"{_HERE}.operator:key_status"),
        "members": Command("List the nodes of the store", f"{_HERE}.operator:members"),
        "step-down": Command("Make the leading node give up its lead", f"{_HERE}.operator:step_down"),
    },
)

_KV = Group(
    "Work with secrets in a key-value mount",
    {
        "get": Command("Read a secret", f"{_HERE}.kv_read:get"),
        "list": Command("List the names below a path", f"{_HERE}.kv_read:list_names"),
        "read-many": Command("Read many secrets at once", f"{_HERE}.kv_across:read_many"),
        "search": Command("Find secrets by name", f"{_HERE}.kv_across:search"),
        "put": Command("Write a secret, replacing all its fields", f"{_HERE}.kv_write:put"),
        "patch": Command("Change some fields of a secret", f"{_HERE}.kv_write:patch"),
        "rollback": Command("Write an older version anew", f"{_HERE}.kv_write:rollback"),
        "delete": Command("Delete the newest or given versions", f"{_HERE}.kv_remove:delete"),
        "undelete": Command("Bring deleted versions back", f"{_HERE}.kv_remove:undelete"),
        "destroy": Command("Erase versions for good", f"{_HERE}.kv_remove:destroy"),
        "enable-versioning": Command(
            "Have a mount keep versions", f"{_HERE}.kv_versioning:enable_versioning"
        ),
        "metadata": Group(
            "Work with the history of a secret",
            {
                "get": Command("Show all versions of a secret", f"{_HERE}.kv_metadata:get"),
                "put": Command("Set settings and notes of a secret", f"{_HERE}.kv_metadata:put"),
                "patch": Command("Change some of them", f"{_HERE}.kv_metadata:patch"),
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
        "fmt": Command("Lay a file with a policy out", f"{_HERE}.policy:fmt"),
        "explain": Command("Say which rule lets a token do something", f"{_HERE}.policy:explain"),
    },
)

_SECRETS = Group(
    "Mount and unmount secrets engines",
    {
        "enable": Command("Mount an engine", f"{_HERE}.mounts:enable"),
        "disable": Command("Unmount an engine and erase what is in it", f"{_HERE}.mounts:disable"),
        "list": Command("List the mounts", f"{_HERE}.mounts:list_mounts"),
        "tune": Command("Change what is said of a mount", f"{_HERE}.mounts:tune"),
        "move": Command("Move a mount to another path", f"{_HERE}.mounts:move"),
    },
)

_TOKEN = Group(
    "Make, look up and revoke tokens",
    {
        "create": Command("Make a token", f"{_HERE}.token:create"),
        "lookup": Command("Show what a token is", f"{_HERE}.token:lookup"),
        "renew": Command("Extend a token's life", f"{_HERE}.token:renew"),
        "revoke": Command("End a token and its children", f"{_HERE}.token:revoke"),
        "capabilities": Command("Say what a token may do at a path", f"{_HERE}.token:capabilities"),
    },
)

_LEASE = Group(
    "Look up, extend and end what has an end",
    {
        "lookup": Command("Show until when something is leased", f"{_HERE}.lease:lookup"),
        "renew": Command("Extend a lease", f"{_HERE}.lease:renew"),
        "revoke": Command("End a lease, or all below a prefix", f"{_HERE}.lease:revoke"),
    },
)

_STORES = Group(
    "Open, close and look at secret stores",
    {
        "show": Command("Show all secret stores, or one", f"{_HERE}.security_store:show"),
        "status": Command("Ask whether a store answers", f"{_HERE}.security_store:status"),
        "seal-status": Command("Show whether a store is sealed", f"{_HERE}.security_store:seal_status"),
        "seal": Command("Drop the keys at once", f"{_HERE}.security_store:seal"),
        "unseal": Command("Hand in a decrypted unseal key", f"{_HERE}.security_store:unseal"),
        "auto-unseal": Command("Open with the key at hand", f"{_HERE}.security_store:auto_unseal"),
        "init": Command("Make keys, or replace them", f"{_HERE}.security_store_init:init"),
        "init-status": Command("Show the encrypted keys", f"{_HERE}.security_store_init:init_status"),
    },
)

_USERS = Group(
    "People",
    {
        "create": Command("Make a user", f"{_HERE}.security_users:create"),
        "update": Command("Change a description or a password", f"{_HERE}.security_users:update"),
        "delete": Command("Remove a user", f"{_HERE}.security_users:delete"),
        "show": Command("Show a user", f"{_HERE}.security_users:show"),
        "list": Command("List the users", f"{_HERE}.security_users:list_users"),
        "grant": Command("Let a user do something", f"{_HERE}.security_grants:grant_to_user"),
        "revoke": Command("Take that back", f"{_HERE}.security_grants:revoke_from_user"),
        "permissions": Command("List what was granted to a user", f"{_HERE}.security_users:permissions"),
    },
)

_GROUPS = Group(
    "Groups of people and services",
    {
        "create": Command("Make a group", f"{_HERE}.security_groups:create"),
        "delete": Command("Remove a group", f"{_HERE}.security_groups:delete"),
        "show": Command("Show a group", f"{_HERE}.security_groups:show"),
        "list": Command("List the groups", f"{_HERE}.security_groups:list_groups"),
        "members": Command("List who is in a group", f"{_HERE}.security_groups:members"),
        "add_user": Command("Put somebody into a group", f"{_HERE}.security_groups:add_user"),
        "del_user": Command("Take somebody out of a group", f"{_HERE}.security_groups:del_user"),
        "grant": Command("Let the members do something", f"{_HERE}.security_grants:grant_to_group"),
        "revoke": Command("Take that back", f"{_HERE}.security_grants:revoke_from_group"),
        "permissions": Command("List what was granted to a group", f"{_HERE}.security_groups:permissions"),
    },
)

_SERVICE_ACCOUNTS = Group(
    "Programs that log in with a key",
    {
        "keypair": Command("Make a key pair in two files", f"{_HERE}.security_services:keypair"),
        "create": Command("Make a service account", f"{_HERE}.security_services:create"),
        "delete": Command("Remove a service account", f"{_HERE}.security_services:delete"),
        "show": Command("Show a service account", f"{_HERE}.security_services:show"),
        "list": Command("List the service accounts", f"{_HERE}.security_services:list_accounts"),
        "grant": Command("Let a service do something", f"{_HERE}.security_grants:grant_to_user"),
        "revoke": Command("Take that back", f"{_HERE}.security_grants:revoke_from_user"),
        "permissions": Command("List what was granted to it", f"{_HERE}.security_users:permissions"),
    },
)

_AUDIT = Group(
    "Say where audit lines go, and read them",
    {
        "enable": Command("Add an audit device", f"{_HERE}.audit_devices:enable"),
        "disable": Command("Remove an audit device", f"{_HERE}.audit_devices:disable"),
        "list": Command("List the audit devices", f"{_HERE}.audit_devices:list_devices"),
        "verify": Command("Say whether audit files are as they were written", f"{_HERE}.audit:verify"),
        "hash": Command("Print what stands for a text in audit lines", f"{_HERE}.audit:hash_text"),
    },
)

_SECURITY = Group(
    "The commands of `dcos security`",
    {
        "secrets": Group(
            "Work with secrets",
            {
                "create": Command("Create a secret", f"{_HERE}.security_secrets:create"),
                "get": Command("Read a secret", f"{_HERE}.security_secrets:get"),
                "list": Command("List all secrets below a path", f"{_HERE}.security_secrets:list_names"),
                "update": Command("Replace the value of a secret", f"{_HERE}.security_secrets:update"),
                "delete": Command("Delete a secret", f"{_HERE}.security_secrets:delete"),
                "create-sa-secret": Command(
                    "Keep a service account's key as a secret",
                    f"{_HERE}.security_service_secret:create_service_secret",
                ),
            },
        ),
        "cluster": Group("The cluster's parts", {"secret-store": _STORES}),
        "org": Group(
            "Say who there is, and who may do what",
            {
                "users": _USERS,
                "groups": _GROUPS,
                "service-accounts": _SERVICE_ACCOUNTS,
                "permissions": Command(
                    "List what can be used, or who may use it", f"{_HERE}.security_grants:permissions"
                ),
            },
        ),
    },
)

_AUTH = Group(
    "Log in and out as a user; mount ways to log in",
    {
        "enable": Command("Mount an auth method", f"{_HERE}.auth_methods:enable"),
        "disable": Command("Unmount an auth method", f"{_HERE}.auth_methods:disable"),
        "list": Command("List the auth methods", f"{_HERE}.auth_methods:list_methods"),
        "tune": Command("Change what a method says about tokens", f"{_HERE}.auth_methods:tune"),
        "move": Command("Move an auth method to another path", f"{_HERE}.auth_methods:move"),
        "help": Command("Say what a login by a method takes", f"{_HERE}.auth_methods:explain"),
        "login": Command("Log in with a password or a key", f"{_HERE}.auth_session:login"),
        "logout": Command("End the token in use", f"{_HERE}.auth_session:logout"),
    },
)

_NAMESPACE = Group(
    "Make stores within the store",
    {
        "create": Command("Make a namespace", f"{_HERE}.namespace:create"),
        "list": Command("List namespaces", f"{_HERE}.namespace:list_names"),
        "lookup": Command("Show a namespace", f"{_HERE}.namespace:lookup"),
        "patch": Command("Change notes of a namespace", f"{_HERE}.namespace:patch"),
        "delete": Command("Delete a namespace and all that is in it", f"{_HERE}.namespace:delete"),
        "lock": Command("Refuse everything in a namespace", f"{_HERE}.namespace:lock"),
        "unlock": Command("Serve a namespace again", f"{_HERE}.namespace:unlock"),
    },
)

_COMPLETION = Group(
    "Have a shell complete commands and options",
    {
        "bash": Command("Print what bash has to be told", f"{_HERE}.completion:bash"),
        "zsh": Command("Print what zsh has to be told", f"{_HERE}.completion:zsh"),
        "fish": Command("Print what fish has to be told", f"{_HERE}.completion:fish"),
        "answer": Command("Complete a line; for shells", f"{_HERE}.completion:answer"),
    },
)

_IMPORT = Group(
    "Bring secrets from elsewhere into the store",
    {
        "dcos": Command("From another store with the DC/OS API", f"{_MIGRATE}.import_commands:dcos"),
        "dir": Command("From the files of a directory", f"{_MIGRATE}.import_commands:directory"),
        "env": Command("From a file of NAME=value lines", f"{_MIGRATE}.import_commands:env"),
        "k8s-json": Command("From Kubernetes Secrets in JSON", f"{_MIGRATE}.import_commands:kubernetes"),
        "export": Command("From what `holdfast export` wrote", f"{_MIGRATE}.import_commands:export"),
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
            "auth": _AUTH,
            "kv": _KV,
            "read": Command("Read any path of the API", f"{_HERE}.logical:read"),
            "write": Command("Write any path of the API", f"{_HERE}.logical:write"),
            "patch": Command("Change some fields at any path of the API", f"{_HERE}.logical:patch"),
            "list": Command("List any path of the API", f"{_HERE}.logical:list_names"),
            "scan": Command("List all that is below any path of the API", f"{_HERE}.logical:scan"),
            "delete": Command("Delete any path of the API", f"{_HERE}.logical:delete"),
            "policy": _POLICY,
            "secrets": _SECRETS,
            "token": _TOKEN,
            "lease": _LEASE,
            "unwrap": Command("Fetch an answer that waits in the store", f"{_HERE}.wrapping:unwrap"),
            "audit": _AUDIT,
            "namespace": _NAMESPACE,
            "security": _SECURITY,
            "import": _IMPORT,
            "export": Command(
                "Write all secrets, encrypted to OpenPGP keys", f"{_MIGRATE}.export_command:export"
            ),
            "exec": Command("Run a command with secrets", "holdfast.cli.exec.command:run_with_secrets"),
            "path-help": Command("Say what a path of the API takes", f"{_HERE}.path_help:path_help"),
            "print": Group(
                "Print what the commands go by",
                {"token": Command("Print the token in use", f"{_HERE}.print_token:print_token")},
            ),
            "completion": _COMPLETION,
            "version": Command("Print the version", f"{_HERE}.version:version"),
            "version-history": Command(
                "List the versions that a store has run", f"{_HERE}.version:version_history"
            ),
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
            "--header",
            "--namespace",
            "--ns",
            "--output",
            "--tls-server-name",
        },
    ),
    explain=advise,
)
