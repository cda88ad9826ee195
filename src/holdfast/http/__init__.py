"""The strict HTTP/1.1 listener that the store and the storage node share.

Knows bytes, limits and deadlines; knows neither paths, tokens nor what an answer means.
"""

from holdfast.http.answers import Handler, Reply
from holdfast.http.limits import Limits
from holdfast.http.listener import HttpServer, bind_unix, is_loopback, reserve_port
from holdfast.http.message import JSON, ErrorBody, Request, build_response, json_error_body
from holdfast.http.tls import TlsConfigurationError, TlsIdentity, TlsSettings

__all__ = [
    "JSON",
    "ErrorBody",
    "Handler",
    "HttpServer",
    "Limits",
    "Reply",
    "Request",
    "TlsConfigurationError",
    "TlsIdentity",
    "TlsSettings",
    "bind_unix",
    "build_response",
    "is_loopback",
    "json_error_body",
    "reserve_port",
]
