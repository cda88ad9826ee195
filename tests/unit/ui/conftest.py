import pytest
from tests.support.http_wire import Wire, answers_in, get

from holdfast.ui.pages import Pages


@pytest.fixture(scope="session")
def pages():
    return Pages(max_secret_bytes=12_345)


@pytest.fixture
def ask(pages):
    """Send one request over a connection in memory; return the answer, and the bytes it was in."""

    def send(target, *headers, method="GET"):
        stream = Wire(handler=pages.handle).send(get(target, *headers, method=method))
        [answer] = answers_in(stream, without_body=method == "HEAD" or b" 304 " in stream[:20])
        return answer, stream

    return send
