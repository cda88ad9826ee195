"""Service ``Identity``: which SDK this is, what it offers, and who the caller is."""

from holdfast.api.sdk.proto.identity_pb2 import (
    SdkIdentityCapabilitiesRequest,
    SdkIdentityCapabilitiesResponse,
    SdkIdentityVersionRequest,
    SdkIdentityVersionResponse,
    SdkServiceCapability,
    SdkVersion,
    StorageVersion,
    WhoAmIRequest,
    WhoAmIResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.cluster.status_service import StatusService

_Service = SdkServiceCapability.OpenStorageService


def version(call: Call, request: SdkIdentityVersionRequest) -> SdkIdentityVersionResponse:  # noqa: ARG001
    (major, minor, patch), own = call.node.status.version(call.admission)
    return SdkIdentityVersionResponse(
        sdk_version=SdkVersion(major=major, minor=minor, patch=patch, version=f"{major}.{minor}.{patch}"),
        version=StorageVersion(driver="holdfast", version=own),
    )


def capabilities(
    call: Call,
    request: SdkIdentityCapabilitiesRequest,  # noqa: ARG001
) -> SdkIdentityCapabilitiesResponse:
    names = call.node.status.capabilities(call.admission)
    return SdkIdentityCapabilitiesResponse(
        capabilities=[
            SdkServiceCapability(service=_Service(type=_Service.Type.Value(name))) for name in names
        ]
    )


def who_am_i(call: Call, request: WhoAmIRequest) -> WhoAmIResponse:  # noqa: ARG001
    principal = call.node.status.who_am_i(call.admission)
    return WhoAmIResponse(
        username=principal.name,
        subject=principal.subject,
        issuer=principal.issuer,
        name=principal.display_name,
        email=principal.email,
        roles=principal.roles,
        groups=principal.groups,
        expires_at=int(principal.expires_at or 0),
        guest=principal.is_guest,
        issued_at=int(principal.issued_at or 0),
        token_id=principal.token_id,
    )


ROWS = (
    serve(
        StatusService.version,
        SdkIdentityVersionRequest,
        SdkIdentityVersionResponse,
        version,
        "GET identities/version",
    ),
    serve(
        StatusService.capabilities,
        SdkIdentityCapabilitiesRequest,
        SdkIdentityCapabilitiesResponse,
        capabilities,
        "GET identities/capabilities",
    ),
    serve(StatusService.who_am_i, WhoAmIRequest, WhoAmIResponse, who_am_i, "GET identities/whoami"),
)
