"""Every command of ``hfctl`` and where it lives; nothing here imports one."""

from holdfast.cli.hfctl.advice import advise
from holdfast.cli.hfctl.elsewhere import elsewhere
from holdfast.cli.hfctl.resource_commands import CLOUDSNAP, CREDENTIALS, SCHED_POLICY, STORAGE_POLICY
from holdfast.cli.hfctl.secrets_commands import SECRETS
from holdfast.cli.hfctl.security_commands import AUTH, CLUSTER, COMPLETION, CONTEXT, ROLE, VOLUME_ACCESS
from holdfast.cli.program import Command, Group, Program
from holdfast.version import VERSION

_HERE = "holdfast.cli.hfctl"

_VOLUME = Group(
    "Work with volumes",
    {
        "create": Command("Create a volume", f"{_HERE}.volume:create"),
        "list": Command("List the volumes that you may see", f"{_HERE}.volume:list_volumes"),
        "inspect": Command("Show one volume", f"{_HERE}.volume:inspect"),
        "update": Command("Change labels, the size or the owner", f"{_HERE}.volume:update"),
        "resize": Command("Make a volume larger", f"{_HERE}.volume_figures:resize"),
        "snapshot": Group(
            "Work with snapshots of volumes",
            {
                "create": Command("Take a snapshot", f"{_HERE}.volume_snapshot:create"),
                "list": Command(
                    "List the snapshots that you may see", f"{_HERE}.volume_snapshot:list_snapshots"
                ),
                "restore": Command("Go back to a snapshot", f"{_HERE}.volume_snapshot:restore"),
                "schedule": Command(
                    "Show when they are taken by themselves, and whether they were",
                    f"{_HERE}.volume_schedule:show",
                ),
            },
        ),
        "restore": Command("Go back to a snapshot", f"{_HERE}.volume_snapshot:restore"),
        "clone": Command("Make a volume out of a volume or snapshot", f"{_HERE}.volume_snapshot:clone"),
        "snap-interval-update": Command(
            "Say when snapshots are taken by themselves", f"{_HERE}.volume_schedule:update"
        ),
        "usage": Command("Show what a volume takes of the pool", f"{_HERE}.volume_figures:usage"),
        "stats": Command("Show what a volume's device has done", f"{_HERE}.volume_figures:stats"),
        "catalog": Command("Show which files lie in a volume", f"{_HERE}.volume_catalog:catalog"),
        "delete": Command("Crypto-erase and remove a volume", f"{_HERE}.volume:delete"),
        "import": Command(
            "Replace a volume's content by a directory tree", f"{_HERE}.volume_tree:import_tree"
        ),
        "export": Command("Write a volume's content into a directory", f"{_HERE}.volume_tree:export_tree"),
        "access": VOLUME_ACCESS,
        "reencrypt": Command(
            "Give a volume another volume key, block by block", f"{_HERE}.volume_reencrypt:reencrypt"
        ),
        "key": Group(
            "Work with the key of one volume",
            {
                "show": Command("Show where the key is kept", f"{_HERE}.volume_key:show"),
                "rotate": Command("Give the volume another key", f"{_HERE}.volume_key:rotate"),
                "doctor": Command(
                    "Find volumes whose key is missing, old or unreadable", f"{_HERE}.key_doctor:doctor"
                ),
                "recovery": Group(
                    "Work with a key for the day on which the volume's own is lost",
                    {
                        "add": Command("Make one and hand it out", f"{_HERE}.volume_recovery:add"),
                        "remove": Command("Have it open nothing", f"{_HERE}.volume_recovery:remove"),
                        "use": Command(
                            "Give the volume a new key by means of it", f"{_HERE}.volume_recovery:use"
                        ),
                    },
                ),
            },
        ),
    },
    short={"c": "create", "l": "list", "i": "inspect", "u": "update", "d": "delete"},
)

_HOST = Group(
    "Attach and mount volumes on the node",
    {
        "attach": Command("Make a volume a block device", f"{_HERE}.host:attach"),
        "detach": Command("Take the block device away", f"{_HERE}.host:detach"),
        "mount": Command("Mount an attached volume", f"{_HERE}.host:mount"),
        "unmount": Command("Unmount a volume", f"{_HERE}.host:unmount"),
    },
)

PROGRAM = Program(
    name="hfctl",
    root=Group(
        "Work with a Holdfast storage node",
        {
            "auth": AUTH,
            "context": CONTEXT,
            "ctx": CONTEXT,
            "volume": _VOLUME,
            "host": _HOST,
            "secrets": SECRETS,
            "role": ROLE,
            "credentials": CREDENTIALS,
            "cred": CREDENTIALS,
            "cloudsnap": CLOUDSNAP,
            "cs": CLOUDSNAP,
            "storage-policy": STORAGE_POLICY,
            "stp": STORAGE_POLICY,
            "sched-policy": SCHED_POLICY,
            "cluster": CLUSTER,
            "audit": Group(
                "Check the node's audit log",
                {
                    "verify": Command(
                        "Say whether audit files are as they were written", f"{_HERE}.audit:verify"
                    )
                },
            ),
            "status": Command("Show what the node can do", f"{_HERE}.status:status"),
            "whoami": Command("Show who the node takes you for", f"{_HERE}.status:who_am_i"),
            "completion": COMPLETION,
        },
        short={"v": "volume"},
    ),
    version=f"hfctl v{VERSION}",
    options_with_value=frozenset(
        {"--context", "--config", "--endpoint", "--output", "--ca", "--cert", "--key"}
    ),
    may_be_empty=frozenset(
        # Any secret; nobody; below no path. An empty owner has an answer of its own.
        {"--prefix", "--groups", "--collaborators", "--public", "--base-path", "--owner"}
    ),
    names=dict.fromkeys(
        ("--context", "context set", "context delete", "ctx set", "ctx delete"),
        f"{_HERE}.context_file:names_for_completion",
    ),
    explain=advise,
    elsewhere=elsewhere,
    closing="""For example:

    hfctl auth token generate --auth-config=alice.yaml --issuer=example.com \\
        --shared-secret-file=signing-secret --output=alice.token
    hfctl context create alice --token-file=alice.token
    hfctl volume create data --size 64M --secure

Environment: HFCTL_CONTEXT, HFCTL_CONFIG, HFCTL_KEEP_IN, HFCTL_STORE_PATH, HOLDFAST_NODE.
Exit codes: 0 done; 1 something is wrong on this side; 2 the node refused, failed or is away.""",
)
