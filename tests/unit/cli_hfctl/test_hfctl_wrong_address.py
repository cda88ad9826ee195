"""Who points hfctl at a secret store learns that it is one, whatever that answered, and what to do."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@pytest.fixture
def store():
    """A server that answers as a Vault-compatible store does; yields where it is, and its next answer."""
    answer = {"status": 403, "body": b'{"errors":["permission denied"]}'}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(403, b'{"errors":["permission denied"]}', id="no-right"),
        pytest.param(404, b'{"errors":[]}', id="no-path"),
        pytest.param(503, b'{"errors":["Vault is sealed"]}', id="sealed"),
        pytest.param(400, b'{"errors":["missing client token"]}', id="no-token"),
    ],
)
def test_a_store_is_told_from_a_node(hfctl, store, status, body):
    address, answer = store
    answer.update(status=status, body=body)
    code, out, err = hfctl("volume", "inspect", "data", "--endpoint", address)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "Error: at this address is a secret store, or something like it, and no storage node",
        "Look at the address: name that of a node with --endpoint or in the context.",
    ]


def test_the_error_of_another_server_is_told_as_it_is(hfctl, store):
    address, answer = store
    answer.update(status=403, body=b"<html>no</html>")
    code, _, err = hfctl("volume", "inspect", "data", "--endpoint", address)
    assert (code, err.splitlines()[0]) == (2, "Error: the server answered with status 403")
