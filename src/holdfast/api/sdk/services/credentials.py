"""Service ``Credentials``: access to stores of objects, by name."""

from holdfast.api.sdk.ownership import access_change, access_control, ownership_message, updated_list
from holdfast.api.sdk.proto.credentials_pb2 import (
    CredentialsAccessUpdateRequest,
    CredentialsAccessUpdateResponse,
    SdkAwsCredentialResponse,
    SdkAzureCredentialResponse,
    SdkCredentialCreateRequest,
    SdkCredentialCreateResponse,
    SdkCredentialDeleteReferencesRequest,
    SdkCredentialDeleteReferencesResponse,
    SdkCredentialDeleteRequest,
    SdkCredentialDeleteResponse,
    SdkCredentialEnumerateRequest,
    SdkCredentialEnumerateResponse,
    SdkCredentialInspectRequest,
    SdkCredentialInspectResponse,
    SdkCredentialUpdateRequest,
    SdkCredentialUpdateResponse,
    SdkCredentialValidateRequest,
    SdkCredentialValidateResponse,
    SdkGoogleCredentialResponse,
    SdkNfsCredentialResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_records import (
    Account,
    AzureAccount,
    CredentialRecord,
    GoogleAccount,
    NfsExport,
    S3Account,
    SecretPart,
)
from holdfast.node.credentials.credentials_service import CredentialSpec, CredentialsService
from holdfast.policy.ownership import AccessControl


def create(call: Call, request: SdkCredentialCreateRequest) -> SdkCredentialCreateResponse:
    named = request.HasField("ownership")
    acls = access_control(request.ownership) if named else None
    done = call.node.credentials.create(call.admission, _spec(request, owner=None, acls=acls))
    return SdkCredentialCreateResponse(credential_id=done.record.id, checked=done.checked)


def update(call: Call, request: SdkCredentialUpdateRequest) -> SdkCredentialUpdateResponse:
    if not request.HasField("update_req"):
        raise InvalidInputError("update_req: expected what is to change")
    wanted = request.update_req
    named = wanted.HasField("ownership")
    spec = _spec(
        wanted,
        owner=(wanted.ownership.owner or None) if named else None,
        acls=updated_list(wanted.ownership) if named else None,
    )
    done = call.node.credentials.update(call.admission, request.credential_id, spec)
    return SdkCredentialUpdateResponse(checked=done.checked)


def update_access(call: Call, request: CredentialsAccessUpdateRequest) -> CredentialsAccessUpdateResponse:
    change = access_change(request)
    record = call.node.credentials.update_access(call.admission, request.credential_id, change)
    return CredentialsAccessUpdateResponse(ownership=ownership_message(record.ownership))


def enumerate_credentials(
    call: Call,
    request: SdkCredentialEnumerateRequest,  # noqa: ARG001
) -> SdkCredentialEnumerateResponse:
    return SdkCredentialEnumerateResponse(credential_ids=call.node.credentials.enumerate(call.admission))


def inspect(call: Call, request: SdkCredentialInspectRequest) -> SdkCredentialInspectResponse:
    return credential_message(call.node.credentials.inspect(call.admission, request.credential_id))


def validate(call: Call, request: SdkCredentialValidateRequest) -> SdkCredentialValidateResponse:
    done = call.node.credentials.validate(call.admission, request.credential_id)
    return SdkCredentialValidateResponse(checked=done.checked)


def delete(call: Call, request: SdkCredentialDeleteRequest) -> SdkCredentialDeleteResponse:
    removed = call.node.credentials.delete(call.admission, request.credential_id)
    return SdkCredentialDeleteResponse(secret_remains=not removed)


def delete_references(
    call: Call, request: SdkCredentialDeleteReferencesRequest
) -> SdkCredentialDeleteReferencesResponse:
    call.node.credentials.delete_references(call.admission, request.credential_id)
    return SdkCredentialDeleteReferencesResponse()


def credential_message(record: CredentialRecord) -> SdkCredentialInspectResponse:
    """Say a credential, without its secret parts."""
    message = SdkCredentialInspectResponse(
        credential_id=record.id,
        name=record.name,
        bucket=record.bucket,
        ownership=ownership_message(record.ownership),
        encrypts=record.encrypts,
    )
    match record.account:
        case S3Account() as s3:
            message.aws_credential.CopyFrom(
                SdkAwsCredentialResponse(
                    access_key=s3.access_key,
                    endpoint=s3.endpoint,
                    region=s3.region,
                    disable_ssl=s3.disable_ssl,
                    disable_path_style=s3.disable_path_style,
                    s3_storage_class=s3.storage_class,
                    server_side_encryption=s3.server_side_encryption,
                )
            )
        case AzureAccount() as azure:
            message.azure_credential.CopyFrom(SdkAzureCredentialResponse(account_name=azure.account_name))
        case GoogleAccount() as google:
            message.google_credential.CopyFrom(SdkGoogleCredentialResponse(project_id=google.project_id))
        case NfsExport() as nfs:
            message.nfs_credential.CopyFrom(
                SdkNfsCredentialResponse(
                    server=nfs.server,
                    sub_path=nfs.sub_path,
                    mount_opts=nfs.mount_opts,
                    timeout_seconds=nfs.timeout_seconds,
                )
            )
    return message


def _spec(
    request: SdkCredentialCreateRequest, *, owner: str | None, acls: AccessControl | None
) -> CredentialSpec:
    account, parts = _account(request)
    if request.s3_storage_class and not isinstance(account, S3Account):
        raise InvalidInputError("s3_storage_class: expected with aws_credential only")
    return CredentialSpec(
        name=request.name,
        account=account,
        parts={**parts, **_part(SecretPart.ENCRYPTION_KEY, request.encryption_key)},
        bucket=request.bucket,
        use_proxy=request.use_proxy,
        iam_policy=request.iam_policy,
        owner=owner,
        acls=acls,
    )


def _account(request: SdkCredentialCreateRequest) -> tuple[Account | None, dict[SecretPart, SecretBytes]]:
    match request.WhichOneof("credential_type"):
        case "aws_credential":
            aws = request.aws_credential
            account = S3Account(
                access_key=aws.access_key,
                endpoint=aws.endpoint,
                region=aws.region,
                disable_ssl=aws.disable_ssl,
                disable_path_style=aws.disable_path_style,
                storage_class=request.s3_storage_class,
                server_side_encryption=aws.server_side_encryption,
            )
            return account, _part(SecretPart.SECRET_KEY, aws.secret_key)
        case "azure_credential":
            azure = request.azure_credential
            return (
                AzureAccount(account_name=azure.account_name),
                _part(SecretPart.ACCOUNT_KEY, azure.account_key),
            )
        case "google_credential":
            google = request.google_credential
            return (
                GoogleAccount(project_id=google.project_id),
                _part(SecretPart.JSON_KEY, google.json_key),
            )
        case "nfs_credential":
            nfs = request.nfs_credential
            export = NfsExport(
                server=nfs.server,
                sub_path=nfs.sub_path,
                mount_opts=nfs.mount_opts,
                timeout_seconds=nfs.timeout_seconds,
            )
            return export, {}
    return None, {}


def _part(part: SecretPart, text: str) -> dict[SecretPart, SecretBytes]:
    return {part: SecretBytes(text.encode())} if text else {}


ROWS = (
    serve(
        CredentialsService.create,
        SdkCredentialCreateRequest,
        SdkCredentialCreateResponse,
        create,
        "POST credentials",
    ),
    serve(
        CredentialsService.enumerate,
        SdkCredentialEnumerateRequest,
        SdkCredentialEnumerateResponse,
        enumerate_credentials,
        "GET credentials",
    ),
    serve(
        CredentialsService.update,
        SdkCredentialUpdateRequest,
        SdkCredentialUpdateResponse,
        update,
        "PUT credentials/{credential_id}",
    ),
    serve(
        CredentialsService.update_access,
        CredentialsAccessUpdateRequest,
        CredentialsAccessUpdateResponse,
        update_access,
        "PUT credentials/access/{credential_id}",
    ),
    serve(
        CredentialsService.delete,
        SdkCredentialDeleteRequest,
        SdkCredentialDeleteResponse,
        delete,
        "DELETE credentials/{credential_id}",
    ),
    serve(
        CredentialsService.inspect,
        SdkCredentialInspectRequest,
        SdkCredentialInspectResponse,
        inspect,
        "GET credentials/inspect/{credential_id}",
    ),
    serve(
        CredentialsService.validate,
        SdkCredentialValidateRequest,
        SdkCredentialValidateResponse,
        validate,
        "GET credentials/validate/{credential_id}",
    ),
    serve(
        CredentialsService.delete_references,
        SdkCredentialDeleteReferencesRequest,
        SdkCredentialDeleteReferencesResponse,
        delete_references,
        "DELETE credentials/references/{credential_id}",
    ),
)
