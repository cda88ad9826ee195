"""The part of service ``Secrets`` about the provider and about who may name which secrets; our own."""

from holdfast.api.sdk.proto.secrets_pb2 import (
    SecretScope as ScopeMessage,
)
from holdfast.api.sdk.proto.secrets_pb2 import (
    SecretsEnumerateRequest,
    SecretsEnumerateResponse,
    SecretsGenerateRequest,
    SecretsGenerateResponse,
    SecretsLoginRequest,
    SecretsLoginResponse,
    SecretsProviderStatus,
    SecretsScopeDeleteRequest,
    SecretsScopeDeleteResponse,
    SecretsScopeEnumerateRequest,
    SecretsScopeEnumerateResponse,
    SecretsScopeUpdateRequest,
    SecretsScopeUpdateResponse,
)
from holdfast.api.sdk.table import Call, serve
from holdfast.node.keys.provider_service import ProviderService
from holdfast.node.keys.scope_service import ScopeService
from holdfast.policy.secret_scopes import SecretScope
from holdfast.providers import ProviderStatus


def provider_message(provider: ProviderStatus) -> SecretsProviderStatus:
    return SecretsProviderStatus(
        type=provider.kind,
        place=provider.place,
        usable=provider.usable,
        problem=provider.problem,
        versioned=provider.versioned,
        login=provider.login,
        renewed_at=None if provider.renewed_at is None else int(provider.renewed_at),
        expires_at=None if provider.expires_at is None else int(provider.expires_at),
        notes=provider.notes,
    )


def login(call: Call, request: SecretsLoginRequest) -> SecretsLoginResponse:
    status = call.node.provider.log_in(call.admission, request.SecretType, dict(request.SecretConfig))
    return SecretsLoginResponse(provider=provider_message(status))


def generate(call: Call, request: SecretsGenerateRequest) -> SecretsGenerateResponse:
    version = call.node.provider.generate(call.admission, request.SecretId, namespace=request.SecretNamespace)
    return SecretsGenerateResponse(version=version)


def enumerate_names(call: Call, request: SecretsEnumerateRequest) -> SecretsEnumerateResponse:
    names = call.node.provider.enumerate(call.admission, request.prefix, namespace=request.secret_namespace)
    return SecretsEnumerateResponse(names=names)


def put_scope(call: Call, request: SecretsScopeUpdateRequest) -> SecretsScopeUpdateResponse:
    given = request.scope
    scope = SecretScope(
        name=given.name,
        prefix=given.prefix,
        namespace=given.namespace,
        users=tuple(given.users),
        groups=tuple(given.groups),
    )
    return SecretsScopeUpdateResponse(scope=_scope(call.node.secret_scopes.put(call.admission, scope)))


def enumerate_scopes(
    call: Call,
    request: SecretsScopeEnumerateRequest,  # noqa: ARG001
) -> SecretsScopeEnumerateResponse:
    scopes = call.node.secret_scopes.enumerate(call.admission)
    return SecretsScopeEnumerateResponse(scopes=[_scope(scope) for scope in scopes])


def delete_scope(call: Call, request: SecretsScopeDeleteRequest) -> SecretsScopeDeleteResponse:
    call.node.secret_scopes.delete(call.admission, request.name)
    return SecretsScopeDeleteResponse()


def _scope(scope: SecretScope) -> ScopeMessage:
    return ScopeMessage(
        name=scope.name,
        prefix=scope.prefix,
        namespace=scope.namespace,
        users=scope.users,
        groups=scope.groups,
    )


ROWS = (
    serve(
        ProviderService.log_in, SecretsLoginRequest, SecretsLoginResponse, login, "POST cluster/secrets/login"
    ),
    serve(
        ProviderService.generate,
        SecretsGenerateRequest,
        SecretsGenerateResponse,
        generate,
        "POST cluster/secrets/generate",
    ),
    serve(
        ProviderService.enumerate,
        SecretsEnumerateRequest,
        SecretsEnumerateResponse,
        enumerate_names,
        "GET cluster/secrets/names",
    ),
    serve(
        ScopeService.put,
        SecretsScopeUpdateRequest,
        SecretsScopeUpdateResponse,
        put_scope,
        "PUT cluster/secrets/scopes",
    ),
    serve(
        ScopeService.enumerate,
        SecretsScopeEnumerateRequest,
        SecretsScopeEnumerateResponse,
        enumerate_scopes,
        "GET cluster/secrets/scopes",
    ),
    serve(
        ScopeService.delete,
        SecretsScopeDeleteRequest,
        SecretsScopeDeleteResponse,
        delete_scope,
        "DELETE cluster/secrets/scopes/{name}",
    ),
)
