"""A small store that speaks the part of the Vault API that the provider uses, over real HTTP.

It keeps KV v1 or v2 in memory, checks the token, and can be sealed. Both version lookups can be
switched off one by one, as policies of older clusters do.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

DENIED = (403, {"errors": ["permission denied"]})


@dataclass
class SimulatedVault:
    version: int = 2
    token: str = "hvs.node-token"
    sealed: bool = False
    preflight: bool = True
    table: bool = True
    address: str = ""
    secrets: dict[str, list[dict | None]] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    unknown_namespaces: tuple[str, ...] = ()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict]:
        self.targets.append(f"{method} {target} {headers.get('x-vault-namespace', '')}".strip())
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("x-vault-namespace") in self.unknown_namespaces:
            return 400, {"errors": ["namespace not found"]}
        if headers.get("x-vault-token") != self.token:
            return DENIED
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/v1/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        mount = {"type": "kv", "options": {"version": str(self.version)}}
        fixed = {
            "auth/token/lookup-self": (200, {"data": {"ttl": 60}}),
            "sys/internal/ui/mounts/secret": (200, {"data": mount}) if self.preflight else DENIED,
            "sys/mounts": (200, {"data": {"secret/": mount}}) if self.table else DENIED,
        }
        if path in fixed:
            return fixed[path]
        if not path.startswith("secret/"):
            return 404, {"errors": ["no handler for route"]}
        return self._kv(method, path.removeprefix("secret/"), body, query)

    def _kv(self, method: str, rest: str, body: bytes, query: dict[str, str]) -> tuple[int, dict]:
        payload = json.loads(body) if body else {}
        return (
            self._v1(method, rest, payload) if self.version == 1 else self._v2(method, rest, payload, query)
        )

    def _v1(self, method: str, name: str, payload: dict) -> tuple[int, dict]:
        if method == "PUT":
            self.secrets[name] = [payload]
            return 204, {}
        if method == "DELETE":
            self.secrets.pop(name, None)
            return 204, {}
        found = self.secrets.get(name)
        return (200, {"data": found[0]}) if found else (404, {"errors": []})

    def _v2(self, method: str, rest: str, payload: dict, query: dict[str, str]) -> tuple[int, dict]:
        area, _, name = rest.partition("/")
        versions = self.secrets.get(name, [])
        if area == "metadata":
            return self._v2_metadata(method, name)
        if area == "destroy":
            for number in payload["versions"]:
                if 0 < number <= len(versions):
                    versions[number - 1] = None
            return 204, {}
        if method == "PUT":
            cas = payload.get("options", {}).get("cas")
            if cas is not None and cas != len(versions):
                return 400, {"errors": ["check-and-set parameter did not match the current version"]}
            self.secrets.setdefault(name, []).append(payload["data"])
            return 200, {"data": {"version": len(self.secrets[name])}}
        number = int(query.get("version", len(versions)))
        found = versions[number - 1] if 0 < number <= len(versions) else None
        data = {"data": found, "metadata": {"version": number}}
        return (404, {"errors": []}) if found is None else (200, {"data": data})

    def _v2_metadata(self, method: str, name: str) -> tuple[int, dict]:
        if method == "DELETE":
            self.secrets.pop(name, None)
            return 204, {}
        below = [key.removeprefix(name) for key in self.secrets if key.startswith(name)]
        keys = sorted({key.partition("/")[0] + ("/" if "/" in key else "") for key in below})
        return (200, {"data": {"keys": keys}}) if keys else (404, {"errors": []})


@pytest.fixture
def vault() -> Iterator[SimulatedVault]:
    simulated = SimulatedVault()

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # one packet per answer
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = simulated.answer(self.command, self.path, headers, body)
            answer = b"" if status == 204 else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    simulated.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield simulated
    httpd.shutdown()
    thread.join()
    httpd.server_close()
