"""The commands of ``hfctl`` about cloud credentials and storage policies."""

from holdfast.cli.program import Command, Group

_CREDENTIALS = "holdfast.cli.hfctl.credentials"
_POLICY = "holdfast.cli.hfctl.storage_policy"


def _access(module: str, what: str) -> Group:
    return Group(
        f"Say who else may use {what}",
        {
            "show": Command("Show the owner and who else may use it", f"{module}:show_access"),
            "add": Command("Let a user, a group or everybody in", f"{module}:add_access"),
            "remove": Command("Let them in no more", f"{module}:remove_access"),
            "update": Command("Replace the whole list, or the owner", f"{module}:update_access"),
        },
    )


CREDENTIALS = Group(
    "Work with credentials for cloud providers",
    {
        "create": Command("Store a credential that works", f"{_CREDENTIALS}:create"),
        "list": Command("List the credentials that you may see", f"{_CREDENTIALS}:list_credentials"),
        "inspect": Command("Show one credential, without its secrets", f"{_CREDENTIALS}:inspect"),
        "validate": Command("Try whether a credential works", f"{_CREDENTIALS}:validate"),
        "delete": Command("Forget a credential and its secrets", f"{_CREDENTIALS}:delete"),
        "delete-refs": Command("Forget what waits for a credential", f"{_CREDENTIALS}:delete_references"),
        "access": _access(_CREDENTIALS, "a credential"),
    },
)

STORAGE_POLICY = Group(
    "Work with rules for what new volumes may be",
    {
        "create": Command("Store a policy", f"{_POLICY}:create"),
        "list": Command("List the policies that you may see", f"{_POLICY}:list_policies"),
        "inspect": Command("Show one policy", f"{_POLICY}:inspect"),
        "update": Command("Change rules of a policy", f"{_POLICY}:update"),
        "delete": Command("Forget a policy", f"{_POLICY}:delete"),
        "set-default": Command("Let a policy count for everybody", f"{_POLICY}:set_default"),
        "unset-default": Command("Let none count for everybody", f"{_POLICY}:unset_default"),
        "access": _access(_POLICY, "a policy"),
    },
)
