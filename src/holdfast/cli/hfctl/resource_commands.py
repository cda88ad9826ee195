"""The commands of ``hfctl`` about cloud credentials, backups, and policies of storage and of schedules."""

from holdfast.cli.program import Command, Group

_CREDENTIALS = "holdfast.cli.hfctl.credentials"
_CLOUDSNAP = "holdfast.cli.hfctl.cloudsnap"
_POLICY = "holdfast.cli.hfctl.storage_policy"
_SCHEDULES = "holdfast.cli.hfctl.sched_policy"


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
    short={"c": "create", "l": "list", "v": "validate", "d": "delete"},
)

CLOUDSNAP = Group(
    "Back volumes up to stores of objects",
    {
        "backup": Command("Back a volume up", f"{_CLOUDSNAP}:backup"),
        "restore": Command("Make a volume out of a backup", f"{_CLOUDSNAP}:restore"),
        "verify": Command("Read all of a backup, and check it", f"{_CLOUDSNAP}:verify"),
        "list": Command("List the backups that you may see", f"{_CLOUDSNAP}:list_backups"),
        "status": Command("Show how far backups and restores are", f"{_CLOUDSNAP}:status"),
        "history": Command("Show backups, and attempts that failed", f"{_CLOUDSNAP}:history"),
        "delete": Command("Remove one backup, or all of a volume", f"{_CLOUDSNAP}:delete"),
        "pause": Command("Have a task wait", f"{_CLOUDSNAP}:pause"),
        "resume": Command("Have a task go on", f"{_CLOUDSNAP}:resume"),
        "stop": Command("End a task", f"{_CLOUDSNAP}:stop"),
    },
)

SCHED_POLICY = Group(
    "Work with named schedules for snapshots",
    {
        "create": Command("Store a policy", f"{_SCHEDULES}:create"),
        "list": Command("List the policies that you may see", f"{_SCHEDULES}:list_policies"),
        "inspect": Command("Show one policy", f"{_SCHEDULES}:inspect"),
        "update": Command("Replace the schedules of a policy", f"{_SCHEDULES}:update"),
        "delete": Command("Forget a policy", f"{_SCHEDULES}:delete"),
        "access": _access(_SCHEDULES, "a policy"),
    },
    short={"c": "create", "l": "list", "i": "inspect", "u": "update", "d": "delete"},
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
