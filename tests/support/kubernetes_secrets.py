"""The Secrets endpoints of a Kubernetes API server, with roles, over TLS.

Strict where a lax server would hide a client's mistake: media types, names, base64, resource versions, verbs.
What it says is worded as version 1.36 words it: statuses with their details, what is left out when it is
empty, long answers in pieces.
"""

import base64
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.certificates import TestAuthority

PATH = re.compile(r"/api/v1/namespaces/([a-z0-9-]+)/secrets(?:/([^/]+))?")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
KEY = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]+")
MAX_BYTES = 1 << 20  # of the values, taken out of their base64
IN_ONE_PIECE = 2048  # what is longer has no Content-Length
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ACCOUNT = "system:serviceaccount:portworx:px-account"
PX_VERBS = frozenset({"get", "list", "create", "update", "patch"})  # of the original's role: no delete
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class RefusalError(Exception):
    """A status that is no success; ``about`` is its details."""

    def __init__(self, code: int, reason: str, message: str, **about: Any) -> None:
        super().__init__(message)
        self.code = code
        self.document = failure_status(code, reason, message, **about)


def failure_status(code: int, reason: str, message: str, **about: Any) -> dict[str, Any]:
    """Return what a cluster's API says of a request that failed; ``about`` is its details."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        **({"details": about} if about else {}),
        "code": code,
    }


def invalid(name: str, field: str, kind: str, problem: str) -> RefusalError:
    cause = {"reason": f"FieldValue{kind}", "message": problem, "field": field}
    message = f'Secret "{name}" is invalid: {field}: {problem}'
    return RefusalError(422, "Invalid", message, name=name, kind="Secret", causes=[cause])


def bad_base64(at: int) -> RefusalError:
    problem = f"illegal base64 data at input byte {at}"
    return RefusalError(400, "BadRequest", f'Secret in version "v1" cannot be handled as a Secret: {problem}')


class KubernetesSecrets:
    """One API server with one service account.

    Attributes:
        token: the account's token at present; a client with another one is nobody.
        roles: verbs on secrets by namespace.
        objects: what is stored, by (namespace, name).
        namespaces_gone: which namespaces there are not, whatever the roles say of them.
        no_cluster: something else answers at the address, which knows no such path.
        asked: method and path of every request.
    """

    def __init__(self, directory: Path) -> None:
        self.mounted = directory / "serviceaccount"
        self.mounted.mkdir()
        authority = TestAuthority("CA of the cluster")
        authority.write_authority(self.mounted / "ca.crt")
        certificate, key = authority.issue(directory, "apiserver")
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.roles: dict[str, frozenset[str]] = {"portworx": PX_VERBS}
        self.namespaces_gone: set[str] = set()
        self.no_cluster = False
        self.asked: list[tuple[str, str]] = []
        self._revision = 100
        self._guard = threading.Lock()
        self.rotate_token()
        server = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with server._guard:
                    server.asked.append((self.command, self.path))
                    try:
                        code, document = server._answer(self.command, self.path, dict(self.headers), body)
                    except RefusalError as refusal:
                        code, document = refusal.code, refusal.document
                payload = json.dumps(document).encode() + b"\n"
                if server.no_cluster:
                    code, payload = 404, b"404 page not found\n"
                self.send_response(code)
                self.send_header(
                    "Content-Type", "text/plain; charset=utf-8" if server.no_cluster else "application/json"
                )
                if len(payload) <= IN_ONE_PIECE:
                    self.send_header("Content-Length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for start in range(0, len(payload), 4096):
                    piece = payload[start : start + 4096]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)

    @property
    def environment(self) -> dict[str, str]:
        """What Kubernetes and a test tell a pod."""
        return {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self._server.server_address[1]),
            "HOLDFAST_SERVICE_ACCOUNT_DIRECTORY": str(self.mounted),
        }

    def rotate_token(self) -> None:
        """Replace the account's token, as Kubernetes does every hour or so."""
        self._revision += 1
        self.token = f"account-token-{self._revision}"
        (self.mounted / "token").write_text(self.token)

    def put(self, namespace: str, name: str, **texts: str) -> None:
        """Make or replace an object, as ``kubectl apply`` does."""
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        with self._guard:
            self._store(namespace, name, {"metadata": {"name": name}, "data": data})

    def texts(self, namespace: str, name: str) -> dict[str, str]:
        return {
            key: base64.b64decode(text).decode()
            for key, text in self.objects[namespace, name].get("data", {}).items()
        }

    # --- the API ---------------------------------------------------------------------------------

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        found = PATH.fullmatch(parts.path)
        if headers.get("Authorization") != f"Bearer {self.token}":
            raise RefusalError(401, "Unauthorized", "Unauthorized")
        if found is None:
            verb = method.lower()
            raise RefusalError(
                403, "Forbidden", f'forbidden: User "{ACCOUNT}" cannot {verb} path "{parts.path}"'
            )
        namespace, name = found.groups()
        verb = "list" if method == "GET" and name is None else VERBS[method]
        about = {**({"name": name} if name else {}), "kind": "secrets"}
        if verb not in self.roles.get(namespace, ()):
            which = f'secrets "{name}" is' if name else "secrets is"
            raise RefusalError(
                403,
                "Forbidden",
                f'{which} forbidden: User "{ACCOUNT}" cannot {verb} resource "secrets" in API group "" '
                f'in the namespace "{namespace}"',
                **about,
            )
        if verb == "list":
            return 200, self._list(namespace, headers, parse_qs(parts.query))
        if verb == "create":
            return 201, self._create(namespace, self._json(headers, body, "application/json"))
        stored = self.objects.get((namespace, name or ""))
        if stored is None:
            raise RefusalError(404, "NotFound", f'secrets "{name}" not found', **about)
        if verb == "get":
            return 200, stored
        if verb == "delete":
            del self.objects[namespace, name]
            uid = stored["metadata"]["uid"]
            return 200, {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {**about, "uid": uid},
            }
        change = self._json(
            headers, body, "application/merge-patch+json" if verb == "patch" else "application/json"
        )
        expected = change.get("metadata", {}).get("resourceVersion")
        if expected is not None and expected != stored["metadata"]["resourceVersion"]:
            raise RefusalError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on secrets "{name}": the object has been modified; '
                "please apply your changes to the latest version and try again",
                **about,
            )
        merged = _merge(stored, change) if verb == "patch" else change
        if stored.get("immutable") and merged.get("data") != stored.get("data"):
            raise invalid(name, "data", "Forbidden", "Forbidden: field is immutable when `immutable` is set")
        return 200, self._store(namespace, name, merged)

    def _json(self, headers: dict[str, str], body: bytes, media_type: str) -> dict[str, Any]:
        if headers.get("Content-Type", "").partition(";")[0] != media_type:
            raise RefusalError(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                + media_type,
            )
        document = json.loads(body)
        assert isinstance(document, dict)
        return document

    def _create(self, namespace: str, document: dict[str, Any]) -> dict[str, Any]:
        if (document.get("apiVersion"), document.get("kind")) != ("v1", "Secret"):
            raise RefusalError(400, "BadRequest", "the object provided is unrecognized")
        if namespace in self.namespaces_gone:
            message = f'namespaces "{namespace}" not found'
            raise RefusalError(404, "NotFound", message, name=namespace, kind="namespaces")
        name = document.get("metadata", {}).get("name", "")
        if (namespace, name) in self.objects:
            raise RefusalError(
                409, "AlreadyExists", f'secrets "{name}" already exists', name=name, kind="secrets"
            )
        return self._store(namespace, name, document)

    def _store(self, namespace: str, name: str, document: dict[str, Any]) -> dict[str, Any]:
        if not DNS_NAME.fullmatch(name) or len(name) > 253:
            raise invalid(name, "metadata.name", "Invalid", "Invalid value: a lowercase RFC 1123 subdomain")
        data = {key: text for key, text in (document.get("data") or {}).items() if text is not None}
        size = 0
        for key, text in data.items():
            if not KEY.fullmatch(key) or len(key) > 253:
                raise invalid(name, f"data[{key}]", "Invalid", f'Invalid value: "{key}": a valid config key')
            try:
                size += len(base64.b64decode(text, validate=True))
            except (ValueError, TypeError):
                raise bad_base64(0) from None
        if size > MAX_BYTES:
            raise invalid(name, "data", "TooLong", f"Too long: may not be more than {MAX_BYTES} bytes")
        self._revision += 1
        before = self.objects.get((namespace, name), {}).get("metadata", {})
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        metadata = {
            **document.get("metadata", {}),
            "namespace": namespace,
            "uid": before.get("uid", f"00000000-0000-4000-8000-{self._revision:012}"),
            "resourceVersion": str(self._revision),
            "creationTimestamp": before.get("creationTimestamp", made),
        }
        stored = {**document, "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        stored.setdefault("type", "Opaque")
        if not data:
            del stored["data"]
        self.objects[namespace, name] = stored
        return stored

    def _list(self, namespace: str, headers: dict[str, str], query: dict[str, list[str]]) -> dict[str, Any]:
        label, _, wanted = query.get("labelSelector", [""])[0].partition("=")
        limit = int(query.get("limit", ["500"])[0])
        after = base64.b64decode(query.get("continue", [""])[0]).decode()
        found = [
            stored
            for (where, name), stored in sorted(self.objects.items())
            if where == namespace
            and name > after
            and (not label or stored["metadata"].get("labels", {}).get(label) == wanted)
        ]
        page = found[:limit]
        more = page[-1]["metadata"]["name"] if len(found) > limit else ""
        metadata = {"resourceVersion": str(self._revision)}
        if more:
            metadata["continue"] = base64.b64encode(more.encode()).decode()
        if headers.get("Accept") == NAMES_ONLY:
            part = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return {
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": [{**part, "metadata": stored["metadata"]} for stored in page],
            }
        items = [{key: stored[key] for key in stored if key not in {"kind", "apiVersion"}} for stored in page]
        return {"kind": "SecretList", "apiVersion": "v1", "metadata": metadata, "items": items}


def _merge(target: Any, change: Any) -> Any:
    """RFC 7396."""
    if not isinstance(change, dict):
        return change
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
