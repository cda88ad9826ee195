"""Commands that ``pxctl`` has and this program has not, and what to do instead.

docs/hfctl.md says why of each; a test holds the two together.
"""

from collections.abc import Sequence

INSTEAD = {
    (
        "secrets",
        "kvdb",
    ): "Keys beside the volumes that they open protect nothing. Start the node with another "
    "-secret_type, and make secrets with `hfctl secrets generate`.",
    (
        "secrets",
        "gcloud",
    ): "Google Cloud KMS is not among the providers; docs/secrets-providers.md has those.",
    ("secrets", "ibm"): "IBM Key Protect is not among the providers; see docs/secrets-providers.md.",
    ("secrets", "azure"): "Azure Key Vault is not among the providers; see docs/secrets-providers.md.",
    ("secrets", "docker"): "Start the node with -secret_type docker; there is no login.",
    ("secrets", "dump-cluster-wide-secret"): "No command shows a key. Take volumes to another cluster with "
    "`hfctl cloudsnap`.",
    (
        "secrets",
        "upload-cluster-wide-secret",
    ): "Point the other cluster at the same provider, and give it "
    "the name of the secret with `hfctl secrets set-cluster-key`.",
    ("cluster", "list"): "See the nodes of the cluster with `hfctl status`.",
    ("cluster", "inspect"): "See the nodes of the cluster with `hfctl status`.",
    ("cluster", "delete"): "Forget a node with `hfctl cluster node remove`.",
    ("cluster", "options"): "Options of a node are arguments of `holdfast node`; see `holdfast node --help`.",
    ("service",): "Nodes are started and stopped by the host, with systemd or a container.",
    ("login",): "Save a token with `hfctl context create`.",
    ("volume", "snap"): "Take a snapshot with `hfctl volume snapshot create`.",
    ("volume", "ha-update"): "A volume has one copy; see docs/storage-cluster.md on shared pools.",
    ("volume", "mount"): "Mount a volume with `hfctl host mount`.",
    ("volume", "attach"): "Attach a volume with `hfctl host attach`.",
}


def elsewhere(words: Sequence[str]) -> str:
    """Return what to do instead of a command of ``pxctl``; nothing if it is not one that is known."""
    return INSTEAD.get(tuple(words), "")
