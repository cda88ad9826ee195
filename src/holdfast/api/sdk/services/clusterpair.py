"""Service ``ClusterPair``: two clusters that know each other."""

from holdfast.api.sdk.proto.clusterpair_pb2 import (
    ClusterPairAcceptRequest,
    ClusterPairAcceptResponse,
    ClusterPairCreateResponse,
    ClusterPairGetResponse,
    ClusterPairInfo,
    ClusterPairMode,
    ClusterPairsEnumerateResponse,
    ClusterPairTokenGetResponse,
    SdkClusterPairCreateRequest,
    SdkClusterPairCreateResponse,
    SdkClusterPairDeleteRequest,
    SdkClusterPairDeleteResponse,
    SdkClusterPairEnumerateRequest,
    SdkClusterPairEnumerateResponse,
    SdkClusterPairGetTokenRequest,
    SdkClusterPairGetTokenResponse,
    SdkClusterPairInspectRequest,
    SdkClusterPairInspectResponse,
    SdkClusterPairResetTokenRequest,
    SdkClusterPairResetTokenResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.node.pairing.pair_records import PairMode, PairRecord
from holdfast.node.pairing.pair_service import Introduction, PairRequest, PairService


def create(call: Call, request: SdkClusterPairCreateRequest) -> SdkClusterPairCreateResponse:
    wanted = request.request
    if wanted.credential_id:
        raise UnsupportedError("credential_id: expected none; pairs do not use cloud credentials")
    try:
        mode = PairMode(wanted.mode)
    except ValueError:
        raise InvalidInputError("mode: expected one that is known") from None
    record = call.node.pairs.create(
        call.admission,
        PairRequest(
            host=wanted.remote_cluster_ip,
            port=wanted.remote_cluster_port,
            token=wanted.remote_cluster_token,
            set_default=wanted.set_default,
            mode=mode,
        ),
    )
    result = ClusterPairCreateResponse(remote_cluster_id=record.id, remote_cluster_name=record.id)
    return SdkClusterPairCreateResponse(result=result)


def accept(call: Call, request: ClusterPairAcceptRequest) -> ClusterPairAcceptResponse:
    theirs = Introduction(cluster_id=request.cluster_id, endpoints=tuple(request.endpoints))
    ours = call.node.pairs.accept(call.admission, request.token, theirs)
    return ClusterPairAcceptResponse(cluster_id=ours.cluster_id, endpoints=ours.endpoints)


def inspect(call: Call, request: SdkClusterPairInspectRequest) -> SdkClusterPairInspectResponse:
    record = call.node.pairs.inspect(call.admission, request.id)
    return SdkClusterPairInspectResponse(result=ClusterPairGetResponse(pair_info=_info(record)))


def enumerate_pairs(
    call: Call,
    request: SdkClusterPairEnumerateRequest,  # noqa: ARG001
) -> SdkClusterPairEnumerateResponse:
    records, default_id = call.node.pairs.enumerate(call.admission)
    result = ClusterPairsEnumerateResponse(default_id=default_id)
    for record in records:
        result.pairs[record.id].CopyFrom(_info(record))
    return SdkClusterPairEnumerateResponse(result=result)


def get_token(
    call: Call,
    request: SdkClusterPairGetTokenRequest,  # noqa: ARG001
) -> SdkClusterPairGetTokenResponse:
    token = call.node.pairs.show_token(call.admission)
    return SdkClusterPairGetTokenResponse(result=ClusterPairTokenGetResponse(token=token))


def reset_token(
    call: Call,
    request: SdkClusterPairResetTokenRequest,  # noqa: ARG001
) -> SdkClusterPairResetTokenResponse:
    token = call.node.pairs.reset_token(call.admission)
    return SdkClusterPairResetTokenResponse(result=ClusterPairTokenGetResponse(token=token))


def delete(call: Call, request: SdkClusterPairDeleteRequest) -> SdkClusterPairDeleteResponse:
    call.node.pairs.delete(call.admission, request.cluster_id)
    return SdkClusterPairDeleteResponse()


def _info(record: PairRecord) -> ClusterPairInfo:
    return ClusterPairInfo(
        id=record.id,
        name=record.id,
        endpoint=record.endpoint,
        current_endpoints=record.endpoints,
        secure=record.secure,
        mode=ClusterPairMode.Mode.ValueType(int(record.mode)),
    )


ROWS = (
    serve(
        PairService.create,
        SdkClusterPairCreateRequest,
        SdkClusterPairCreateResponse,
        create,
        "POST clusterpairs",
    ),
    serve(
        PairService.accept,
        ClusterPairAcceptRequest,
        ClusterPairAcceptResponse,
        accept,
        "POST clusterpairs/accept",
    ),
    serve(
        PairService.enumerate,
        SdkClusterPairEnumerateRequest,
        SdkClusterPairEnumerateResponse,
        enumerate_pairs,
        "GET clusterpairs",
    ),
    serve(
        PairService.inspect,
        SdkClusterPairInspectRequest,
        SdkClusterPairInspectResponse,
        inspect,
        "GET clusterpairs/inspect/{id}",
    ),
    serve(
        PairService.show_token,
        SdkClusterPairGetTokenRequest,
        SdkClusterPairGetTokenResponse,
        get_token,
        "GET clusterpairs/token",
    ),
    serve(
        PairService.reset_token,
        SdkClusterPairResetTokenRequest,
        SdkClusterPairResetTokenResponse,
        reset_token,
        "POST clusterpairs/token",
    ),
    serve(
        PairService.delete,
        SdkClusterPairDeleteRequest,
        SdkClusterPairDeleteResponse,
        delete,
        "DELETE clusterpairs/{cluster_id}",
    ),
)
