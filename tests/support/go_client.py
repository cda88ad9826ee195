"""What Vault's client library for Go sends, byte for byte: clients that are built on it, without them.

Writes are PUT; a body is JSON that ends in a newline and says no content type; no fields are ``null``. A
listing is ``GET ?list=true``. Every request has ``X-Vault-Request``, and the token and the namespace as
headers if it has any.
"""

import json

_NO_BODY = object()


class GoClient:
    """One client of a store under test.

    Args:
        store: where requests go.
        token: sent with each request.
        namespace: likewise.
        agent: what it calls itself.
    """

    def __init__(self, store, token="", namespace="", agent="Go-http-client/1.1"):
        self.store, self.token, self.namespace, self.agent = store, token, namespace, agent

    def send(self, method, path, body=_NO_BODY, *, content_type=""):
        """Send one request; ``path`` is what follows ``/v1/``, with its query."""
        content = b"" if body is _NO_BODY else json.dumps(body, separators=(",", ":")).encode() + b"\n"
        lines = [f"{method} /v1/{path} HTTP/1.1", "Host: vault.example:8200", f"User-Agent: {self.agent}"]
        if content or method not in {"GET", "DELETE"}:
            lines.append(f"Content-Length: {len(content)}")
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        if self.namespace:
            lines.append(f"X-Vault-Namespace: {self.namespace}")
        lines.append("X-Vault-Request: true")
        if self.token:
            lines.append(f"X-Vault-Token: {self.token}")
        lines.append("Accept-Encoding: gzip")
        return self.store.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    def read(self, path):
        return self.send("GET", path)

    def list(self, path):
        return self.send("GET", f"{path}?list=true")

    def write(self, path, body=None):
        return self.send("PUT", path, body)

    def post(self, path, body):
        return self.send("POST", path, body)

    def patch(self, path, body):
        return self.send("PATCH", path, body, content_type="application/merge-patch+json")

    def delete(self, path):
        return self.send("DELETE", path)

    def log_in(self, path, body):
        """Log in without a token, and act as the one that was given from then on; return the answer."""
        self.token = ""
        answer = self.write(path, body)
        if answer.status == 200:
            self.token = answer.auth["client_token"]
        return answer


def done(answer, status=204):
    """Return an answer that says that something was done."""
    assert answer.status == status, answer.body
    return answer
