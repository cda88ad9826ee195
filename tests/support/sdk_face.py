"""The REST face of a storage node, as a function from requests to answers."""

import asyncio
import json
from dataclasses import dataclass

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.dialect import SdkDialect
from holdfast.http.message import Request

SIZE = str(16 << 20)


@dataclass
class Answer:
    status: int
    head: str
    json: dict


class Face:
    """Sends requests straight into the dialect."""

    def __init__(self, under_test):
        self.t = under_test
        self.dialect = SdkDialect(Calls(under_test.node))

    def __call__(self, method, path, body=None, *, token=None, raw=None, authorization=None, headers=None):
        headers = dict(headers or {})
        if token is not None:
            headers[b"authorization"] = f"Bearer {token}".encode()
        if authorization is not None:
            headers[b"authorization"] = authorization
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        target = path if isinstance(path, bytes) else path.encode()
        request = Request(method, target, headers, content, "127.0.0.1:9", asyncio.Transport())
        head, _, payload = self.dialect.answer(request).partition(b"\r\n\r\n")
        return Answer(int(head.split()[1]), head.decode(), json.loads(payload))

    def create(self, name="vol1", *, token=None, **spec):
        body = {"name": name, "spec": {"size": SIZE, **spec}}
        return self("POST", "/v1/volumes", body, token=token or self.t.token("alice"))
