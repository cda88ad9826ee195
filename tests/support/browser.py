"""A real browser for tests: Chromium without a window, with a profile of its own, on a scripted page."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from tests.support.ports import free_port

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PATIENCE_SECONDS = 45.0
VISIBLE = """
    const wordsOf = (element) => (element.matches("select, textarea") ? "" : element.innerText.trim());
    return [...document.querySelectorAll(arguments[0])]
        .filter((element) => element.checkVisibility() && element.getClientRects().length)
        .map((element) => [element, wordsOf(element)]);
"""
_ON_THE_MOVE = (
    StaleElementReferenceException,
    ElementClickInterceptedException,
    ElementNotInteractableException,
)
T = TypeVar("T")


class Browser:
    """One browser, spoken to in the words of a visitor.

    Args:
        driver: the open session.
        downloads: where it saves files.
    """

    def __init__(self, driver: webdriver.Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def open(self, address: str) -> None:
        """Open a page afresh, without anything that a page before left behind."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.get(address)

    def all(self, css: str, text: str = "") -> list[WebElement]:
        """Return the visible elements that match, and, if a text is given, have exactly that text or name."""
        found = []
        for element, words in self.driver.execute_script(VISIBLE, css):
            try:
                # What has no text of its own has a name that the browser works out: from a label, from ARIA.
                if not text or text == (words or element.accessible_name):
                    found.append(element)
            except StaleElementReferenceException:
                continue
        return found

    def find(self, css: str, text: str = "") -> WebElement:
        """Wait for a visible element and return it; the page may replace it the moment after."""
        return self.until(lambda: self.all(css, text), f"no visible {css} {text!r}")[0]

    def with_one(self, css: str, text: str, use: Callable[[WebElement], T]) -> T:
        """Do something with a visible element, and again with the next if the page replaced it meanwhile."""
        return self.until(lambda: [use(self.find(css, text))], f"no {css} {text!r} stays")[0]

    def text_of(self, css: str, text: str = "") -> str:
        """Wait for a visible element and return what it says."""
        return self.with_one(css, text, lambda element: element.text)

    def value_of(self, css: str, text: str = "") -> str:
        """Wait for a visible field and return what is in it."""
        return self.with_one(css, text, lambda element: str(element.get_property("value")))

    def values(self, css: str) -> list[str]:
        """Return what is in the fields that match, all of one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map((field) => field.value)"
        return [str(value) for value in self.driver.execute_script(script, css)]

    def attribute_of(self, attribute: str, css: str, text: str = "") -> str | None:
        """Wait for a visible element and return one of its attributes, None if it has none of that name."""
        return self.with_one(css, text, lambda element: element.get_attribute(attribute))

    def click(self, css: str, text: str = "") -> None:
        """Wait for a visible element and click on it."""
        self.with_one(css, text, lambda element: element.click())

    def press(self, text: str) -> None:
        """Press the button, or follow the link, of that name."""
        self.click("button, a, summary, input[type=checkbox], input[type=radio]", text)

    def type_into(self, css: str, *keys: str, text: str = "") -> None:
        """Type into a field, after what is there."""
        self.with_one(css, text, lambda field: field.send_keys(*keys))

    def fill(self, label: str, text: str) -> None:
        """Type into the field of that label, in the place of what is there."""

        def type_in(field: WebElement) -> None:
            if field.get_attribute("type") != "file":
                field.clear()
            field.send_keys(text)

        self.with_one("input:not([type=radio], [type=checkbox]), textarea", label, type_in)

    def sees(self, text: str) -> None:
        """Wait until a text is to be seen."""
        self.until(lambda: text in self.text, f"never saw {text!r}")

    @property
    def text(self) -> str:
        """What is to be seen."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    def until(self, condition: Callable[[], T], problem: str) -> T:
        """Wait until something holds; return it. What the page is just about to replace says nothing yet."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(*_ON_THE_MOVE):
                if value := condition():
                    return value
            time.sleep(0.03)
        raise AssertionError(f"{problem}; there was:\n{self.text}")

    def downloaded(self, name: str) -> bytes:
        """Wait for a file that is saved, and return what is in it."""
        path = self.downloads / name
        self.until(
            lambda: path.is_file() and not list(self.downloads.glob("*.crdownload")), f"no file {name}"
        )
        return path.read_bytes()

    def complaints(self) -> list[str]:
        """Return what the console holds since the last time, but that the server refused something."""
        return [
            f"{entry['source']}: {entry['message']}"
            for entry in self.driver.get_log("browser")
            if entry["source"] != "network" or "Content Security Policy" in entry["message"]
        ]

    def look(self, *, width: int = 1100, height: int = 720, dark: bool = False) -> None:
        """Be a window of a size, of somebody who prefers light or dark pages, and nothing that moves."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        wishes = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@contextmanager
def open_browser(directory: Path) -> Iterator[Browser]:
    """Start a browser; end it, and the driver that is its parent, afterwards."""
    downloads = directory / "downloads"
    downloads.mkdir()
    options = Options()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={directory / 'profile'}"):
        options.add_argument(option)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, port=free_port()))
    try:
        driver.set_script_timeout(PATIENCE_SECONDS)
        driver.set_page_load_timeout(PATIENCE_SECONDS)
        yield Browser(driver, downloads)
    finally:
        driver.quit()
