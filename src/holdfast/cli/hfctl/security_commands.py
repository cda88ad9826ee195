"""The commands of ``hfctl`` about who may do what: tokens, contexts, roles, access, clusters."""

from holdfast.cli.program import Command, Group

_HERE = "holdfast.cli.hfctl"

_TOKEN = Group(
    "Make, renew, look into and take back tokens",
    {
        "generate": Command("Make a signed token from a user file", f"{_HERE}.auth:generate"),
        "renew": Command("Have the node make one that ends later", f"{_HERE}.tokens:renew"),
        "inspect": Command("Show what a token says, unverified", f"{_HERE}.tokens:inspect"),
        "revoke": Command("Take a token, or all of a user, back", f"{_HERE}.tokens:revoke"),
        "list-revoked": Command("Show what was taken back", f"{_HERE}.tokens:list_revoked"),
    },
)

_GUEST = Group(
    "Say whether calls without a token are served",
    {
        "show": Command("Show whether they are", f"{_HERE}.guest:show"),
        "enable": Command("Serve them", f"{_HERE}.guest:enable"),
        "disable": Command("Refuse them", f"{_HERE}.guest:disable"),
    },
)

ROLE = Group(
    "Work with roles",
    {
        "list": Command("List the roles", f"{_HERE}.role:list_roles"),
        "inspect": Command("Show the rules of a role, or of all", f"{_HERE}.role:inspect"),
        "create": Command("Store a role from a file", f"{_HERE}.role:create"),
        "update": Command("Replace a role from a file", f"{_HERE}.role:update"),
        "delete": Command("Remove a role", f"{_HERE}.role:delete"),
        "test": Command("Show what roles would allow", f"{_HERE}.role_test:declare"),
    },
)

AUTH = Group(
    "Make tokens and take them back; guests; roles",
    {"token": _TOKEN, "guest": _GUEST, "guest-access": _GUEST, "role": ROLE},
)

CONTEXT = Group(
    "Save endpoints and tokens, and choose among them",
    {
        "create": Command("Save a context, replacing one of that name", f"{_HERE}.contexts:create"),
        "list": Command("Show the contexts, without their tokens", f"{_HERE}.contexts:list_contexts"),
        "set": Command("Choose the current context", f"{_HERE}.contexts:set_current"),
        "unset": Command("Have no current context: call as a guest", f"{_HERE}.contexts:unset"),
        "delete": Command("Forget a context", f"{_HERE}.contexts:delete"),
    },
)

VOLUME_ACCESS = Group(
    "Say who else may use a volume",
    {
        "show": Command("Show the owner and who else may use it", f"{_HERE}.access:show_volume"),
        "add": Command("Let a user, a group or everybody in", f"{_HERE}.access:add_volume"),
        "remove": Command("Let them in no more", f"{_HERE}.access:remove_volume"),
        "update": Command("Replace the whole list, or the owner", f"{_HERE}.access:update_volume"),
    },
)

CLUSTER = Group(
    "Pair clusters, and forget nodes",
    {
        "node": Group(
            "Work with the nodes of this cluster",
            {"remove": Command("Forget a node that is gone for good", f"{_HERE}.cluster:remove_node")},
        ),
        "token": Group(
            "Work with the token by which another cluster pairs with this one",
            {
                "show": Command("Show one, for one use", f"{_HERE}.cluster:show_token"),
                "reset": Command("Show one and end all before it", f"{_HERE}.cluster:reset_token"),
            },
        ),
        "pair": Group(
            "Work with the clusters that this one knows",
            {
                "create": Command("Pair with another cluster", f"{_HERE}.cluster:create_pair"),
                "list": Command("List the pairs", f"{_HERE}.cluster:list_pairs"),
                "delete": Command("Forget a pair", f"{_HERE}.cluster:delete_pair"),
            },
        ),
    },
)

COMPLETION = Group(
    "Teach a shell to complete commands and options",
    {
        "bash": Command("Print what bash has to be told", f"{_HERE}.completion:bash"),
        "zsh": Command("Print what zsh has to be told", f"{_HERE}.completion:zsh"),
        "fish": Command("Print what fish has to be told", f"{_HERE}.completion:fish"),
        "answer": Command("Complete a line; for shells", f"{_HERE}.completion:answer"),
    },
)
