"""Talking to AWS: credentials, endpoints, time limits, and its errors in the node's words.

The access key is the configuration's or the environment's; without one, the SDK looks where AWS puts it: a
web identity, the container, the instance. Nothing of an error's text is passed on but its code.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.client.address import parse_address
from holdfast.errors import InvalidInputError
from holdfast.providers.errors import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderDeniedError,
    ProviderUnavailableError,
    SecretDataError,
    SecretExistsError,
    SecretNotFoundError,
)
from holdfast.providers.settings import Settings

_code_in_xml = re.compile(r"<Code>([A-Za-z.]{1,64})</Code>")

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 10, 2

# AWS says the same thing in a different word for each service.
REFUSED = frozenset(
    {
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"),
        *("SignatureDoesNotMatch", "ExpiredTokenException", "ExpiredToken", "IncompleteSignature"),
        *("MissingAuthenticationToken", "MissingAuthenticationTokenException", "AuthFailure"),
    }
)
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "OptInRequired"})
MISSING = frozenset({"ResourceNotFoundException"})
THERE = frozenset({"ResourceExistsException"})
UNREADABLE = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


def open_client(service: str, settings: Settings) -> Any:
    """Return a client of one AWS service.

    Raises:
        NoCredentialError: the region is missing; a login by command may bring it.
        InvalidInputError: the endpoint is no address that is safe to use.
    """
    import botocore.config  # noqa: PLC0415 - a third of a second that only AWS users pay
    import botocore.session  # noqa: PLC0415 - as above

    region = settings.text("AWS_REGION")
    if not region:
        raise NoCredentialError(
            "AWS Region not provided. Cannot perform secret operations. AWS_REGION not set"
        )
    endpoint = settings.text("AWS_ENDPOINT_URL")
    if endpoint:
        parse_address(endpoint, field="AWS_ENDPOINT_URL")
    access_key, secret_key = settings.text("AWS_ACCESS_KEY_ID"), settings.secret("AWS_SECRET_ACCESS_KEY")
    if bool(access_key) != bool(secret_key):
        raise InvalidInputError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: expected both, or neither")
    session_token = settings.secret("AWS_SECRET_TOKEN_KEY") or settings.secret("AWS_SESSION_TOKEN")
    session = botocore.session.Session()
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint or None,
        aws_access_key_id=access_key or None,
        aws_secret_access_key=secret_key.reveal().decode() if secret_key else None,
        aws_session_token=session_token.reveal().decode() if session_token else None,
        verify=settings.text("AWS_CA_BUNDLE") or True,
        config=botocore.config.Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            ignore_configured_endpoint_urls=True,
        ),
    )


def login_of(settings: Settings) -> str:
    """Return in a word how the node shows AWS who it is."""
    return "access key" if settings.text("AWS_ACCESS_KEY_ID") else "role of the host or pod"


@contextmanager
def in_node_words(kind: str, where: str) -> Iterator[None]:
    """Turn what AWS said to the node into what the node says to its user."""
    from botocore import exceptions  # noqa: PLC0415 - loaded by now

    service = f"the secrets provider ({kind} at {where})"
    try:
        yield
    except exceptions.ClientError as error:
        raise _of_code(service, str(error.response.get("Error", {}).get("Code", "")), error) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise CredentialExpiredError(f"{service}: there are no AWS credentials to log in with") from None
    except exceptions.ConnectTimeoutError:
        raise ProviderUnavailableError(f"{service} cannot be used: it took too long") from None
    except (exceptions.BotoCoreError, OSError) as error:
        raise ProviderUnavailableError(
            f"{service} cannot be used: no answer", detail=type(error).__name__
        ) from None


def _of_code(service: str, code: str, error: Any) -> Exception:
    said = str(error.response.get("Error", {}).get("Message", ""))
    if code.isdigit() and (found := _code_in_xml.search(said)):
        code = found[1]  # what stands before the service may speak XML where the service speaks JSON
    if code in REFUSED:
        return CredentialExpiredError(f"{service} does not accept the node's AWS credentials", detail=code)
    if code in DENIED:
        return ProviderDeniedError(f"{service}: no IAM policy of the node allows this", detail=code)
    if code in MISSING or "marked for deletion" in said:
        return SecretNotFoundError(detail=code)
    if code in THERE:
        return SecretExistsError(detail=code)
    if code in UNREADABLE:
        return SecretDataError()
    return ProviderUnavailableError(f"{service} cannot be used: {code or 'an error without a code'}")
