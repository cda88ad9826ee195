"""Service ``Policy``: rules for what new volumes may be."""

from holdfast.api.sdk.ownership import access_change, access_control, ownership_message, updated_list
from holdfast.api.sdk.proto.policy_pb2 import (
    PolicyAccessUpdateRequest,
    PolicyAccessUpdateResponse,
    SdkOpenStoragePolicyCreateRequest,
    SdkOpenStoragePolicyCreateResponse,
    SdkOpenStoragePolicyDefaultInspectRequest,
    SdkOpenStoragePolicyDefaultInspectResponse,
    SdkOpenStoragePolicyDeleteRequest,
    SdkOpenStoragePolicyDeleteResponse,
    SdkOpenStoragePolicyEnumerateRequest,
    SdkOpenStoragePolicyEnumerateResponse,
    SdkOpenStoragePolicyInspectRequest,
    SdkOpenStoragePolicyInspectResponse,
    SdkOpenStoragePolicyReleaseRequest,
    SdkOpenStoragePolicyReleaseResponse,
    SdkOpenStoragePolicySetDefaultRequest,
    SdkOpenStoragePolicySetDefaultResponse,
    SdkOpenStoragePolicyUpdateRequest,
    SdkOpenStoragePolicyUpdateResponse,
    SdkStoragePolicy,
    VolumeSpecPolicy,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.api.sdk.volume_messages import FILE_SYSTEMS, FORMATS, refuse_others
from holdfast.errors import InvalidInputError
from holdfast.node.policies.policy_service import Merge, PolicyService, PolicySpec, ShownPolicy
from holdfast.node.policies.volume_rules import Operator, VolumeRules
from holdfast.policy.ownership import AccessControl

OPERATORS = {
    VolumeSpecPolicy.Equal: Operator.EQUAL,
    VolumeSpecPolicy.Minimum: Operator.MINIMUM,
    VolumeSpecPolicy.Maximum: Operator.MAXIMUM,
}
NUMBERS = {operator: number for number, operator in OPERATORS.items()}
_SERVED = frozenset(
    {
        "size",
        "size_operator",
        "size_limit",
        "ha_level",
        "ha_level_operator",
        "encrypted",
        "passphrase",
        "volume_labels",
        "formats",
    }
)


def create(call: Call, request: SdkOpenStoragePolicyCreateRequest) -> SdkOpenStoragePolicyCreateResponse:
    policy = request.storage_policy
    acls = access_control(policy.ownership) if policy.HasField("ownership") else None
    call.node.policies.create(call.admission, _spec(policy, owner=None, acls=acls))
    return SdkOpenStoragePolicyCreateResponse()


def update(call: Call, request: SdkOpenStoragePolicyUpdateRequest) -> SdkOpenStoragePolicyUpdateResponse:
    policy = request.storage_policy
    named = policy.HasField("ownership")
    if request.remove and not request.merge:
        raise InvalidInputError("remove: expected together with merge")
    call.node.policies.update(
        call.admission,
        _spec(
            policy,
            owner=(policy.ownership.owner or None) if named else None,
            acls=updated_list(policy.ownership) if named else None,
        ),
        merge=Merge(remove=frozenset(request.remove)) if request.merge else None,
    )
    return SdkOpenStoragePolicyUpdateResponse()


def update_access(call: Call, request: PolicyAccessUpdateRequest) -> PolicyAccessUpdateResponse:
    record = call.node.policies.update_access(call.admission, request.name, access_change(request))
    return PolicyAccessUpdateResponse(ownership=ownership_message(record.ownership))


def enumerate_policies(
    call: Call,
    request: SdkOpenStoragePolicyEnumerateRequest,  # noqa: ARG001
) -> SdkOpenStoragePolicyEnumerateResponse:
    found = call.node.policies.enumerate(call.admission)
    return SdkOpenStoragePolicyEnumerateResponse(storage_policies=[policy_message(shown) for shown in found])


def inspect(call: Call, request: SdkOpenStoragePolicyInspectRequest) -> SdkOpenStoragePolicyInspectResponse:
    shown = call.node.policies.inspect(call.admission, request.name)
    return SdkOpenStoragePolicyInspectResponse(storage_policy=policy_message(shown))


def delete(call: Call, request: SdkOpenStoragePolicyDeleteRequest) -> SdkOpenStoragePolicyDeleteResponse:
    call.node.policies.delete(call.admission, request.name)
    return SdkOpenStoragePolicyDeleteResponse()


def set_default(
    call: Call, request: SdkOpenStoragePolicySetDefaultRequest
) -> SdkOpenStoragePolicySetDefaultResponse:
    call.node.policies.set_default(call.admission, request.name)
    return SdkOpenStoragePolicySetDefaultResponse()


def default_inspect(
    call: Call,
    request: SdkOpenStoragePolicyDefaultInspectRequest,  # noqa: ARG001
) -> SdkOpenStoragePolicyDefaultInspectResponse:
    shown = call.node.policies.default_inspect(call.admission)
    if shown is None:
        return SdkOpenStoragePolicyDefaultInspectResponse()
    return SdkOpenStoragePolicyDefaultInspectResponse(storage_policy=policy_message(shown))


def release(
    call: Call,
    request: SdkOpenStoragePolicyReleaseRequest,  # noqa: ARG001
) -> SdkOpenStoragePolicyReleaseResponse:
    call.node.policies.release(call.admission)
    return SdkOpenStoragePolicyReleaseResponse()


def policy_message(shown: ShownPolicy) -> SdkStoragePolicy:
    """Say a policy as its reader may see it."""
    record = shown.record
    return SdkStoragePolicy(
        name=record.name,
        policy=rules_message(record.rules),
        force=record.force,
        allow_update=record.allow_update,
        ownership=ownership_message(record.ownership) if shown.with_ownership else None,
        is_default=shown.is_default,
    )


def rules_message(rules: VolumeRules) -> VolumeSpecPolicy:
    """Say the rules of a policy."""
    message = VolumeSpecPolicy(
        volume_labels=rules.labels,
        formats=[FORMATS[name] for name in rules.file_systems],
        size_limit=rules.size_limit_bytes or 0,
    )
    if rules.size_bytes is not None:
        message.size = rules.size_bytes
        message.size_operator = NUMBERS[rules.size_operator]
    if rules.copies is not None:
        message.ha_level = rules.copies
        message.ha_level_operator = NUMBERS[rules.copies_operator]
    if rules.encrypted is not None:
        message.encrypted = rules.encrypted
    if rules.secret_name is not None:
        message.passphrase = rules.secret_name
    return message


def rules_of(message: VolumeSpecPolicy) -> VolumeRules:
    """Return the rules that a message says.

    Raises:
        InvalidInputError: a rule that this node cannot hold a volume to; names it.
    """
    refuse_others(message, _SERVED, "policy")
    for number in message.formats:
        if not number or number not in FILE_SYSTEMS:
            raise InvalidInputError("policy.formats: expected some of FS_TYPE_EXT4, FS_TYPE_XFS")
    return VolumeRules(
        size_bytes=message.size if message.HasField("size") else None,
        size_operator=_operator(message.size_operator, "size"),
        size_limit_bytes=message.size_limit or None,
        encrypted=message.encrypted if message.HasField("encrypted") else None,
        secret_name=message.passphrase if message.HasField("passphrase") else None,
        labels=dict(message.volume_labels),
        file_systems=[FILE_SYSTEMS[number] for number in message.formats],
        copies=message.ha_level if message.HasField("ha_level") else None,
        copies_operator=_operator(message.ha_level_operator, "ha_level"),
    )


def _operator(number: "VolumeSpecPolicy.PolicyOp.ValueType", field: str) -> Operator:
    if number not in OPERATORS:
        raise InvalidInputError(f"policy.{field}_operator: expected Equal, Minimum or Maximum")
    return OPERATORS[number]


def _spec(policy: SdkStoragePolicy, *, owner: str | None, acls: AccessControl | None) -> PolicySpec:
    return PolicySpec(
        name=policy.name,
        rules=rules_of(policy.policy) if policy.HasField("policy") else None,
        force=policy.force,
        allow_update=policy.allow_update,
        owner=owner,
        acls=acls,
    )


ROWS = (
    serve(
        PolicyService.create,
        SdkOpenStoragePolicyCreateRequest,
        SdkOpenStoragePolicyCreateResponse,
        create,
        "POST storagepolicies",
    ),
    serve(
        PolicyService.update,
        SdkOpenStoragePolicyUpdateRequest,
        SdkOpenStoragePolicyUpdateResponse,
        update,
        "PUT storagepolicies",
    ),
    serve(
        PolicyService.update_access,
        PolicyAccessUpdateRequest,
        PolicyAccessUpdateResponse,
        update_access,
        "PUT storagepolicies/access/{name}",
    ),
    serve(
        PolicyService.enumerate,
        SdkOpenStoragePolicyEnumerateRequest,
        SdkOpenStoragePolicyEnumerateResponse,
        enumerate_policies,
        "GET storagepolicies",
    ),
    serve(
        PolicyService.inspect,
        SdkOpenStoragePolicyInspectRequest,
        SdkOpenStoragePolicyInspectResponse,
        inspect,
        "GET storagepolicies/inspect/{name}",
    ),
    serve(
        PolicyService.delete,
        SdkOpenStoragePolicyDeleteRequest,
        SdkOpenStoragePolicyDeleteResponse,
        delete,
        "DELETE storagepolicies/{name}",
    ),
    serve(
        PolicyService.set_default,
        SdkOpenStoragePolicySetDefaultRequest,
        SdkOpenStoragePolicySetDefaultResponse,
        set_default,
        "POST storagepolicies/default/{name}",
    ),
    serve(
        PolicyService.default_inspect,
        SdkOpenStoragePolicyDefaultInspectRequest,
        SdkOpenStoragePolicyDefaultInspectResponse,
        default_inspect,
        "GET storagepolicies/default",
    ),
    serve(
        PolicyService.release,
        SdkOpenStoragePolicyReleaseRequest,
        SdkOpenStoragePolicyReleaseResponse,
        release,
        "POST storagepolicies/release",
    ),
)
