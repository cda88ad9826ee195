"""Service ``Token``: taking tokens back before their time, and renewing one; our own."""

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.api.sdk.proto.token_pb2 import (
    TokenEnumerateRevocationsRequest,
    TokenEnumerateRevocationsResponse,
    TokenRenewRequest,
    TokenRenewResponse,
    TokenRevocation,
    TokenRevokeRequest,
    TokenRevokeResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.tokens.revocation_records import RevocationKind, RevocationRecord
from holdfast.node.tokens.token_service import TokenService, What


def revoke(call: Call, request: TokenRevokeRequest) -> TokenRevokeResponse:
    what = What(
        issuer=request.issuer,
        token_id=request.token_id,
        subject=request.subject,
        everything=request.everything,
        issued_until=request.issued_before.seconds if request.HasField("issued_before") else None,
    )
    return TokenRevokeResponse(revocation=_shown(call.node.tokens.revoke(call.admission, what)))


def enumerate_revocations(
    call: Call,
    request: TokenEnumerateRevocationsRequest,  # noqa: ARG001
) -> TokenEnumerateRevocationsResponse:
    found = call.node.tokens.revocations(call.admission)
    return TokenEnumerateRevocationsResponse(revocations=[_shown(record) for record in found])


def renew(call: Call, request: TokenRenewRequest) -> TokenRenewResponse:
    renewed = call.node.tokens.renew(call.admission, lifetime_seconds=request.lifetime_seconds)
    return TokenRenewResponse(token=renewed.token, expires_at=Timestamp(seconds=renewed.expires_at))


def _shown(record: RevocationRecord) -> TokenRevocation:
    is_token = record.kind is RevocationKind.TOKEN
    return TokenRevocation(
        issuer=record.issuer,
        token_id=record.value if is_token else "",
        subject=record.value if record.kind is RevocationKind.SUBJECT else "",
        issued_before=None if is_token else Timestamp(seconds=record.issued_until),
        everything=record.kind is RevocationKind.ISSUER,
        revoked_at=Timestamp(seconds=record.revoked_at),
        revoked_by=record.revoked_by,
        ends_at=Timestamp(seconds=record.ends_at),
    )


ROWS = (
    serve(TokenService.revoke, TokenRevokeRequest, TokenRevokeResponse, revoke, "POST tokens/revoke"),
    serve(
        TokenService.revocations,
        TokenEnumerateRevocationsRequest,
        TokenEnumerateRevocationsResponse,
        enumerate_revocations,
        "GET tokens/revocations",
    ),
    serve(TokenService.renew, TokenRenewRequest, TokenRenewResponse, renew, "POST tokens/renew"),
)
