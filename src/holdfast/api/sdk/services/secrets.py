"""Service ``Secrets``: the cluster-wide key by reference, and the state of the secrets provider; our own."""

from holdfast.api.sdk.keys import key_message
from holdfast.api.sdk.proto.secrets_pb2 import (
    KeyRotationOutcome,
    SecretsInspectClusterKeyRequest,
    SecretsInspectClusterKeyResponse,
    SecretsMoveKeysRequest,
    SecretsMoveKeysResponse,
    SecretsRotateClusterKeyRequest,
    SecretsRotateClusterKeyResponse,
    SecretsRotationStatusRequest,
    SecretsRotationStatusResponse,
    SecretsSetClusterKeyRequest,
    SecretsSetClusterKeyResponse,
    SecretsStatusRequest,
    SecretsStatusResponse,
    SecretsValidateRequest,
    SecretsValidateResponse,
)
from holdfast.api.sdk.services.secrets_provider import provider_message
from holdfast.api.sdk.table import Call, serve
from holdfast.node.keys.secrets_service import ClusterRotation, SecretsService


def set_cluster_key(call: Call, request: SecretsSetClusterKeyRequest) -> SecretsSetClusterKeyResponse:
    note = call.node.secrets.set_cluster_key(
        call.admission,
        request.DefaultSecretKey,
        namespace=request.SecretNamespace,
        overwrite=request.Override,
        generate=request.Generate,
    )
    return SecretsSetClusterKeyResponse(key=key_message(note))


def inspect_cluster_key(
    call: Call,
    request: SecretsInspectClusterKeyRequest,  # noqa: ARG001
) -> SecretsInspectClusterKeyResponse:
    note = call.node.secrets.inspect_cluster_key(call.admission)
    return SecretsInspectClusterKeyResponse(SecretValue=note.name if note else "")


def rotate_cluster_key(
    call: Call, request: SecretsRotateClusterKeyRequest
) -> SecretsRotateClusterKeyResponse:
    rotation = call.node.secrets.rotate_cluster_key(call.admission, resume=request.Resume)
    return SecretsRotateClusterKeyResponse(key=key_message(rotation.key), volumes=_outcome_messages(rotation))


def move_keys(call: Call, request: SecretsMoveKeysRequest) -> SecretsMoveKeysResponse:
    moved = call.node.secrets.move_keys(call.admission, request.SecretId, namespace=request.SecretNamespace)
    return SecretsMoveKeysResponse(key=key_message(moved.key), volumes=_outcome_messages(moved))


def _outcome_messages(rotation: ClusterRotation) -> list[KeyRotationOutcome]:
    return [
        KeyRotationOutcome(
            volume_id=outcome.volume_id,
            name=outcome.name,
            rotated=outcome.rotated,
            problem=outcome.problem,
        )
        for outcome in rotation.outcomes
    ]


def rotation_status(
    call: Call,
    request: SecretsRotationStatusRequest,  # noqa: ARG001
) -> SecretsRotationStatusResponse:
    progress = call.node.secrets.rotation_status(call.admission)
    return SecretsRotationStatusResponse(
        running=progress.running, total=progress.total, moved=progress.moved, left=progress.left
    )


def validate(call: Call, request: SecretsValidateRequest) -> SecretsValidateResponse:  # noqa: ARG001
    call.node.secrets.validate(call.admission)
    return SecretsValidateResponse()


def status(call: Call, request: SecretsStatusRequest) -> SecretsStatusResponse:  # noqa: ARG001
    found = call.node.secrets.status(call.admission)
    provider = found.provider
    return SecretsStatusResponse(
        provider=None if provider is None else provider_message(provider),
        cluster_key=key_message(found.cluster_key),
        cluster_key_source=found.source,
        volumes_by_key=found.volumes,
        former_provider=None if found.former is None else provider_message(found.former),
        volumes_on_former_provider=found.left_behind,
    )


ROWS = (
    serve(
        SecretsService.set_cluster_key,
        SecretsSetClusterKeyRequest,
        SecretsSetClusterKeyResponse,
        set_cluster_key,
        "PUT cluster/secrets/defaultsecretkey",
    ),
    serve(
        SecretsService.inspect_cluster_key,
        SecretsInspectClusterKeyRequest,
        SecretsInspectClusterKeyResponse,
        inspect_cluster_key,
        "GET cluster/secrets/defaultsecretkey",
    ),
    serve(
        SecretsService.rotate_cluster_key,
        SecretsRotateClusterKeyRequest,
        SecretsRotateClusterKeyResponse,
        rotate_cluster_key,
        "POST cluster/secrets/rotatedefaultsecretkey",
    ),
    serve(
        SecretsService.move_keys,
        SecretsMoveKeysRequest,
        SecretsMoveKeysResponse,
        move_keys,
        "POST cluster/secrets/movekeys",
    ),
    serve(
        SecretsService.rotation_status,
        SecretsRotationStatusRequest,
        SecretsRotationStatusResponse,
        rotation_status,
        "GET cluster/secrets/rotationstatus",
    ),
    serve(
        SecretsService.validate,
        SecretsValidateRequest,
        SecretsValidateResponse,
        validate,
        "GET cluster/secrets/verify",
    ),
    serve(
        SecretsService.status,
        SecretsStatusRequest,
        SecretsStatusResponse,
        status,
        "GET cluster/secrets/status",
    ),
)
