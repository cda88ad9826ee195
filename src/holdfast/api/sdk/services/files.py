"""Service ``Volume``, the part about what lies in a volume."""

from holdfast.api.sdk.proto.volume_pb2 import Catalog as CatalogMessage
from holdfast.api.sdk.proto.volume_pb2 import (
    CatalogResponse,
    Report,
    SdkVolumeCatalogRequest,
    SdkVolumeCatalogResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.errors import InvalidInputError
from holdfast.node.volume.file_list_service import FileListService
from holdfast.volumes.listing import Entry

_MAX_DIGITS = 9


def files(call: Call, request: SdkVolumeCatalogRequest) -> SdkVolumeCatalogResponse:
    listing = call.node.files.files(
        call.admission,
        request.volume_id,
        request.path,
        depth=_layers(request.depth),
        most=request.max_entries,
    )
    answer = CatalogResponse(
        report=Report(directories=listing.directories, files=listing.files), incomplete=listing.is_cut
    )
    _fill(answer.root, listing.root)
    return SdkVolumeCatalogResponse(catalog=answer)


def _layers(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise InvalidInputError("depth: expected a number of layers in digits, or 0 or nothing for all")
    return int(text or "0")


def _fill(message: CatalogMessage, entry: Entry) -> None:
    message.name, message.path = entry.name, entry.path
    message.type, message.size = entry.kind, entry.size
    message.LastModified.FromSeconds(entry.modified)
    for child in entry.children:
        _fill(message.children.add(), child)


ROWS = (
    serve(
        FileListService.files,
        SdkVolumeCatalogRequest,
        SdkVolumeCatalogResponse,
        files,
        "POST volume/catalog",
    ),
)
