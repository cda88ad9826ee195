"""A real store and a real browser, one of each for every file here, and a page that complains of nothing."""

import pytest
from tests.support.browser import open_browser
from tests.support.page import MOST_BYTES, PASSWORD, api, grant
from tests.support.store_process import StoreProcess


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    with StoreProcess(directory, settings=f"max_secret_size = {MOST_BYTES}") as process:
        process.initialize()
        for uid in ("ann", "bob", "eve", "sue"):
            assert api(process, "PUT", f"/acs/api/v1/users/{uid}", {"password": PASSWORD}).status == 201
        for rid in ("dcos:secrets:default:/*", "dcos:secrets:list:default:/"):
            grant(process, rid, "ann")
        grant(process, "dcos:secrets:default:/given/one", "bob")
        grant(process, "dcos:superuser", "sue")
        yield process


@pytest.fixture(scope="module")
def module_browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(module_browser, store):
    """The page as a visitor finds it; the browser's console must have nothing to say of his visit."""
    module_browser.look()
    module_browser.complaints()
    module_browser.open(f"{store.url}/")
    yield module_browser
    assert module_browser.complaints() == []
