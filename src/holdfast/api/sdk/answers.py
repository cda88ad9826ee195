"""What the services return, as the gateway's JSON: proto field names, no zero values, big numbers as text.

Everything below ``holdfast`` in an answer is our own addition. No answer carries key material: keys appear
by provider, name and version.
"""

from typing import Any

from holdfast.clock import rfc3339
from holdfast.model import Principal
from holdfast.node.key_rotation import RotationOutcome
from holdfast.node.records import KeyNote, VolumeRecord
from holdfast.node.secrets_service import ClusterRotation, SecretsStatus
from holdfast.node.status_service import NodeStatus
from holdfast.node.volume_maker import RemovalReport
from holdfast.node.volume_service import VolumeStatus
from holdfast.policy.ownership import Ownership
from holdfast.policy.roles import Role
from holdfast.volumes.backend import AttachStage

Json = dict[str, Any]

FILE_SYSTEM_BY_FORMAT = {"FS_TYPE_EXT4": "ext4", "FS_TYPE_XFS": "xfs"}
FORMAT_BY_FILE_SYSTEM = {name: word for word, name in FILE_SYSTEM_BY_FORMAT.items()}
STATE_BY_STAGE = {
    AttachStage.DETACHED: "VOLUME_STATE_DETACHED",
    AttachStage.ATTACHED: "VOLUME_STATE_ATTACHED",
    AttachStage.BROKEN: "VOLUME_STATE_ERROR",
}


def without_zeros(fields: Json) -> Json:
    """Return the fields that are not zero, as protocol buffers write JSON."""
    return {name: value for name, value in fields.items() if value not in ("", 0, False, None, {}, [])}


def ownership_json(ownership: Ownership) -> Json:
    """``Ownership``."""
    acls = ownership.acls
    return without_zeros(
        {
            "owner": ownership.owner,
            "acls": without_zeros(
                {
                    "groups": {name: access.word for name, access in acls.groups.items()},
                    "collaborators": {name: access.word for name, access in acls.collaborators.items()},
                    "public": None if acls.public is None else {"type": acls.public.word},
                }
            ),
        }
    )


def key_json(key: KeyNote | None) -> Json:
    """Where a key is; our own."""
    if key is None:
        return {}
    return without_zeros(
        {
            "provider": key.provider,
            "name": key.name,
            "namespace": key.namespace,
            "version": key.version,
            "origin": key.origin.value,
        }
    )


def volume_json(record: VolumeRecord) -> Json:
    """``Volume``, without what only the kernel knows."""
    return {
        "id": record.id,
        "locator": without_zeros({"name": record.name, "volume_labels": dict(record.labels)}),
        "ctime": rfc3339(record.created_at),
        "format": FORMAT_BY_FILE_SYSTEM[record.file_system],
        "spec": without_zeros(
            {
                "size": str(record.size_bytes),
                "format": FORMAT_BY_FILE_SYSTEM[record.file_system],
                "encrypted": record.encrypted,
                "passphrase": record.key.name if record.key else "",
                "ownership": ownership_json(record.ownership),
            }
        ),
        "holdfast": without_zeros(
            {"uuid": record.uuid, "stage": record.state.value, "key": key_json(record.key)}
        ),
    }


def status_json(status: VolumeStatus) -> Json:
    """``SdkVolumeInspectResponse``."""
    record, state = status.record, status.state
    device = state.attachment.device if state.attachment else ""
    volume = volume_json(record) | without_zeros(
        {
            "state": STATE_BY_STAGE[state.stage],
            "status": "VOLUME_STATUS_UP",
            "device_path": device,
            "secure_device_path": device if record.encrypted else "",
            "attach_path": [str(path) for path in state.mounts],
        }
    )
    if state.attachment:
        volume["holdfast"]["backend"] = state.attachment.backend
    return without_zeros({"volume": volume, "name": record.name, "labels": dict(record.labels)})


def removal_json(report: RemovalReport) -> Json:
    """What became of a deleted volume; our own."""
    erased = report.erased
    return {
        "holdfast": {
            "volume_id": report.volume_id,
            "name": report.name,
            "keyslots_destroyed": len(erased.destroyed) if erased else 0,
            "header_overwritten": erased.header_overwritten if erased else False,
            "own_key_destroyed": report.own_key_destroyed,
            "remarks": list(report.remarks),
        }
    }


def rotation_json(rotation: ClusterRotation) -> Json:
    """What a rotation of the cluster-wide key did; our own."""
    return {
        "key": key_json(rotation.key),
        "volumes": [_outcome_json(outcome) for outcome in rotation.outcomes],
    }


def _outcome_json(outcome: RotationOutcome) -> Json:
    return {
        "volume_id": outcome.volume_id,
        "name": outcome.name,
        "rotated": outcome.rotated,
        **({"problem": outcome.problem} if outcome.problem else {}),
    }


def secrets_status_json(status: SecretsStatus) -> Json:
    """The provider's state and the keys in use; our own."""
    provider = status.provider
    return {
        "provider": None
        if provider is None
        else {
            "type": provider.kind,
            "place": provider.place,
            "usable": provider.usable,
            "problem": provider.problem,
            "versioned": provider.versioned,
        },
        "cluster_key": key_json(status.cluster_key) or None,
        "cluster_key_source": status.source,
        "volumes_by_key": dict(status.volumes),
    }


def principal_json(principal: Principal) -> Json:
    """Who the caller is; our own."""
    return {
        "username": principal.name,
        "subject": principal.subject,
        "issuer": principal.issuer,
        "name": principal.display_name,
        "email": principal.email,
        "roles": list(principal.roles),
        "groups": list(principal.groups),
        "expires_at": principal.expires_at,
        "guest": principal.is_guest,
    }


def node_json(status: NodeStatus) -> Json:
    """``SdkNodeInspectCurrentResponse``."""
    return {
        "node": {
            "id": status.identity.node_id,
            "status": "STATUS_OK",
            "security_status": "SECURED",
            "holdfast": {
                "cluster_id": status.identity.cluster_id,
                "backend": status.backend,
                "attaches": status.attaches,
                "passed_over": dict(status.passed_over),
                "pool_free_bytes": str(status.free_bytes),
            },
        }
    }


def role_json(role: Role) -> Json:
    """``SdkRole``."""
    rules = [{"services": list(rule.services), "apis": list(rule.apis)} for rule in role.rules]
    return {"name": role.name, "rules": rules}
