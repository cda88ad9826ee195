"""What a node calls a field of its API, in the words that a person types: an option, or an argument.

Which word that is depends on the command: the same field is an option of one, and an argument of another. So
each field has the words that there are for it, and the first counts that the command declares. A field that
the command has no word for keeps its name.
"""

import re
from collections.abc import Container

# Fields as the texts of errors name them, without what is in ``_ABOVE`` before them.
WORDS: dict[str, tuple[str, ...]] = {
    "AWS_ACCESS_KEY_ID": ("--aws_access_key",),
    "AWS_CMK": ("--aws_cmk",),
    "AWS_REGION": ("--aws_region",),
    "AWS_SECRET_ACCESS_KEY": ("--aws_secret_key",),
    "DCOS_SECRETS_PASSWORD": ("--password",),
    "DCOS_SECRETS_USERNAME": ("--username",),
    "SECRETS_BASE_PATH": ("--base-path",),
    "VAULT_ADDR": ("--vault-address",),
    "VAULT_NAMESPACE": ("--vault-namespace",),
    "VAULT_TOKEN": ("--vault-token",),
    "additional_labels": ("--label",),
    "allow_unknown": ("--allow-unknown",),
    "aws_credential.access_key": ("--s3-access-key",),
    "aws_credential.disable_ssl": ("--s3-disable-ssl",),
    "aws_credential.endpoint": ("--s3-endpoint",),
    "aws_credential.region": ("--s3-region",),
    "aws_credential.secret_key": ("--s3-secret-key",),
    "aws_credential.server_side_encryption": ("--s3-sse",),
    "azure_credential.account_key": ("--azure-account-key",),
    "azure_credential.account_name": ("--azure-account-name",),
    "backup_id": ("--snap",),
    "bucket": ("--bucket",),
    "collaborators": ("--collaborator", "--collaborators"),
    "credential_id": ("--cred-id", "credential"),
    "credential_type": ("--provider",),
    "depth": ("--depth",),
    "destination_path": ("directory",),
    "encrypted": ("--secure",),
    "encryption_key": ("--encryption-passphrase",),
    "everything": ("--everything",),
    "format": ("--fs",),
    "formats": ("--fs",),
    "fs": ("--fs",),
    "full_backup_frequency": ("--frequency",),
    "google_credential.json_key": ("--google-json-key-file",),
    "google_credential.project_id": ("--google-project-id",),
    "groups": ("--group", "--groups"),
    "ha_level": ("--replication",),
    "iam_policy": ("--use-iam",),
    "id": ("cluster",),
    "integrity": ("--integrity",),
    "issued_before": ("--issued-before",),
    "issuer": ("--issuer",),
    "labels": ("--label",),
    "max_entries": ("--max",),
    "metadata_filter": ("--label",),
    "mode": ("--mode",),
    "mount_path": ("path",),
    "name": ("--name", "name", "policy", "role"),
    "namespace": ("--namespace",),
    "nfs_credential.mount_opts": ("--nfs-mount-opts",),
    "nfs_credential.server": ("--nfs-server",),
    "nfs_credential.sub_path": ("--nfs-sub-path",),
    "nfs_credential.timeout_seconds": ("--nfs-timeout-seconds",),
    "node_id": ("node",),
    "own_key": ("--own-key",),
    "parent_id": ("volume",),
    "passphrase": ("--secret_key",),
    "prefix": ("--prefix",),
    "project_id": ("--google-project-id",),
    "remote_cluster_ip": ("--ip",),
    "remote_cluster_port": ("--port",),
    "remote_cluster_token": ("--token",),
    "restore_volume_name": ("--volume",),
    "role": ("--role-config",),
    "s3_storage_class": ("--s3-storage-class",),
    "secret_context": ("--secret_options",),
    "secret_key": ("--secret_key",),
    "secret_name": ("--secret_key", "--secret"),
    "secret_namespace": ("--secret_options",),
    "secure": ("--secure",),
    "size": ("--size",),
    "size_limit": ("--size-limit",),
    "snapshot_id": ("--snapshot",),
    "source_path": ("directory",),
    "src_volume_id": ("--src",),
    "storage_policy": ("--storagepolicy",),
    "subject": ("--subject",),
    "task_id": ("--name",),
    "token_id": ("--id",),
    "use_proxy": ("--use-proxy",),
    "users": ("--user",),
    "volume_id": ("volume", "--src"),
    "volume_labels": ("--label",),
}
_MENTIONED = re.compile(r"\b(allow_unknown|project_id)\b")  # also within a text

# In one way at most: otherwise some dozen numbers would be tried in more ways than anybody waits for.
_FIELD = r"(?:[a-z0-9_]+|[A-Z][A-Z0-9_]*)(?:\.[a-z0-9_]+|\[[0-9]+\])*"
_PLACE = re.compile(
    rf"(storage policy [^:]*: |)(?:(?:query|path) parameter )?({_FIELD}(?:(?:, | and ){_FIELD})*)(?=: )"
)
_ABOVE = re.compile(r"(?:body\.)?(?:spec\.|policy\.|scope\.)?")
_LAST = re.compile(r"(?:\.[a-z0-9_]+|\[[0-9]+\])$")


def in_typed_words(text: str, words: Container[str]) -> str:
    """Return the text of a node's error with words of the command in the place of the API's fields.

    Args:
        text: as the node says it; of several things that are wrong, each begins with its field.
        words: names of the options and arguments that the command has.
    """
    said = "; ".join(_retold(part, words) for part in text.split("; "))
    return _MENTIONED.sub(lambda found: _word(found[0], words), said)


def _retold(part: str, words: Container[str]) -> str:
    found = _PLACE.match(part)
    if found is None:
        return part
    before, fields = found.groups()
    typed = "".join(_word(each, words) for each in re.split("(, | and )", fields))
    return part if typed == fields else f"{before}{typed}{part[found.end() :]}"


def _word(field: str, words: Container[str]) -> str:
    """Return the command's word for a field, and where in that; the field itself if the command has none."""
    path = known = _ABOVE.sub("", field, count=1)
    while known not in WORDS and (shorter := _LAST.sub("", known)) != known:
        known = shorter
    for word in WORDS.get(known, ()):
        if word in words:
            below = path.removeprefix(known).lstrip(".")
            return f"{word}: {below}" if below else word
    return field
