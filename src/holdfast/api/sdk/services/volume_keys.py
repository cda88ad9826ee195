"""Service ``Volume``, the part about keys: the doctor and recovery keys; our own."""

from holdfast.api.sdk.keys import key_message, reference_message
from holdfast.api.sdk.proto.volume_keys_pb2 import (
    VolumeAddRecoveryKeyRequest,
    VolumeAddRecoveryKeyResponse,
    VolumeKeyDoctorRequest,
    VolumeKeyDoctorResponse,
    VolumeKeyFinding,
    VolumeRecoverKeyRequest,
    VolumeRecoverKeyResponse,
    VolumeReencryption,
    VolumeReencryptionStatusRequest,
    VolumeReencryptionStatusResponse,
    VolumeReencryptRequest,
    VolumeReencryptResponse,
    VolumeRemoveRecoveryKeyRequest,
    VolumeRemoveRecoveryKeyResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.model import SecretBytes
from holdfast.node.keys.key_doctor import HEALTHY, Finding
from holdfast.node.keys.reencryptions import Reencryption
from holdfast.node.keys.volume_key_service import VolumeKeyService


def examine(call: Call, request: VolumeKeyDoctorRequest) -> VolumeKeyDoctorResponse:
    findings = call.node.volume_keys.examine(
        call.admission, tuple(request.volume_ids), prove=not request.quick
    )
    return VolumeKeyDoctorResponse(findings=[_finding_message(finding) for finding in findings])


def _finding_message(finding: Finding) -> VolumeKeyFinding:
    return VolumeKeyFinding(
        volume_id=finding.volume_id,
        name=finding.name,
        key=reference_message(finding.reference),
        verdict=finding.verdict.value,
        problem=finding.problem,
        advice=finding.advice,
        healthy=finding.verdict in HEALTHY,
    )


def add_recovery_key(call: Call, request: VolumeAddRecoveryKeyRequest) -> VolumeAddRecoveryKeyResponse:
    made = call.node.volume_keys.add_recovery_key(
        call.admission, request.volume_id, public_key=request.public_key
    )
    with made.key:
        if made.fingerprint:
            return VolumeAddRecoveryKeyResponse(
                keyslot=made.slot, encrypted_recovery_key=made.key.reveal(), fingerprint=made.fingerprint
            )
        return VolumeAddRecoveryKeyResponse(keyslot=made.slot, recovery_key=made.key.reveal().decode("ascii"))


def remove_recovery_key(
    call: Call, request: VolumeRemoveRecoveryKeyRequest
) -> VolumeRemoveRecoveryKeyResponse:
    destroyed = call.node.volume_keys.remove_recovery_key(call.admission, request.volume_id)
    return VolumeRemoveRecoveryKeyResponse(keyslots_destroyed=destroyed)


def recover(call: Call, request: VolumeRecoverKeyRequest) -> VolumeRecoverKeyResponse:
    with SecretBytes(request.recovery_key.encode()) as recovery_key:
        record = call.node.volume_keys.recover(call.admission, request.volume_id, recovery_key)
    return VolumeRecoverKeyResponse(key=key_message(record.key))


def reencrypt(call: Call, request: VolumeReencryptRequest) -> VolumeReencryptResponse:
    begun = call.node.volume_keys.reencrypt(call.admission, request.volume_id)
    return VolumeReencryptResponse(reencryption=_reencryption_message(begun))


def reencryption_status(
    call: Call, request: VolumeReencryptionStatusRequest
) -> VolumeReencryptionStatusResponse:
    found = call.node.volume_keys.reencryption_status(call.admission, request.volume_id)
    return VolumeReencryptionStatusResponse(reencryption=_reencryption_message(found))


def _reencryption_message(state: Reencryption) -> VolumeReencryption:
    return VolumeReencryption(
        running=state.running,
        unfinished=state.unfinished,
        done_bytes=state.done_bytes,
        total_bytes=state.total_bytes,
        keyslots_destroyed=state.keyslots_destroyed,
        problem=state.problem,
    )


ROWS = (
    serve(
        VolumeKeyService.examine,
        VolumeKeyDoctorRequest,
        VolumeKeyDoctorResponse,
        examine,
        "POST volumes/keys/doctor",
    ),
    serve(
        VolumeKeyService.add_recovery_key,
        VolumeAddRecoveryKeyRequest,
        VolumeAddRecoveryKeyResponse,
        add_recovery_key,
        "POST volumes/keys/recovery",
    ),
    serve(
        VolumeKeyService.remove_recovery_key,
        VolumeRemoveRecoveryKeyRequest,
        VolumeRemoveRecoveryKeyResponse,
        remove_recovery_key,
        "DELETE volumes/keys/recovery/{volume_id}",
    ),
    serve(
        VolumeKeyService.recover,
        VolumeRecoverKeyRequest,
        VolumeRecoverKeyResponse,
        recover,
        "POST volumes/keys/recover",
    ),
    serve(
        VolumeKeyService.reencrypt,
        VolumeReencryptRequest,
        VolumeReencryptResponse,
        reencrypt,
        "POST volumes/keys/reencrypt",
    ),
    serve(
        VolumeKeyService.reencryption_status,
        VolumeReencryptionStatusRequest,
        VolumeReencryptionStatusResponse,
        reencryption_status,
        "GET volumes/keys/reencrypt/{volume_id}",
    ),
)
