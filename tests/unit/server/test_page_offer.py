"""Where the web page is offered: on loopback by itself, elsewhere only when the configuration says so."""

import pytest
from tests.support.http_wire import Wire, answers_in, get
from tests.support.local_store import StoreUnderTest

from holdfast.errors import InvalidInputError
from holdfast.server.application import Application
from holdfast.server.config import ListenerConfig, dev_config
from holdfast.server.config_file import load_config
from holdfast.ui.pages import Pages

STANZAS = 'storage "file" {\n  path = "/data"\n}\nlistener "tcp" {\n  tls_disable = 1\n}\n'
LOOPBACK = ListenerConfig(host="127.0.0.1", port=8200)
EVERYWHERE = ListenerConfig(host="0.0.0.0", port=8201)
LOCAL_SOCKET = ListenerConfig(unix_path="/run/h.sock")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("", (True, False, False), id="undecided"),
        pytest.param("ui = true", (True, True, True), id="true"),
        pytest.param('ui = "true"', (True, True, True), id="true-as-vault-users-write-it"),
        pytest.param("ui = false", (False, False, False), id="false"),
    ],
)
def test_the_configuration_decides(tmp_path, line, offered):
    file = tmp_path / "c.hcl"
    file.write_text(STANZAS + line)
    config = load_config([str(file)])
    assert tuple(map(config.offers_pages, (LOOPBACK, EVERYWHERE, LOCAL_SOCKET))) == offered


def test_a_throw_away_store_offers_it():
    config = dev_config()
    assert config.offers_pages(config.listeners[0])


def test_a_setting_that_is_neither_is_refused(tmp_path):
    file = tmp_path / "c.hcl"
    file.write_text(STANZAS + 'ui = "perhaps"')
    with pytest.raises(InvalidInputError, match=r"ui: expected"):
        load_config([str(file)])


@pytest.mark.parametrize(
    ("pages", "statuses"),
    [
        pytest.param(Pages(max_secret_bytes=1), (307, 200, 200, 404), id="offered"),
        pytest.param(None, (404, 404, 200, 404), id="not-offered"),
    ],
)
def test_the_apis_answer_beside_it_and_other_paths_stay_nothing(pages, statuses):
    application = Application(StoreUnderTest().local.store, pages)
    targets = ("/", "/ui/", "/v1/sys/seal-status", "/other")
    streams = [Wire(handler=application.handle).send(get(target)) for target in targets]
    assert tuple(answers_in(stream)[0].status for stream in streams) == statuses
