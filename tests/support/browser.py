"""A real browser for tests: Chromium without a window, with a profile of its own, on a scripted page."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from tests.support.store_process import free_port

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
PATIENCE_SECONDS = 15.0
VISIBLE = """
    const wordsOf = (element) => (element.matches("select, textarea") ? "" : element.innerText.trim());
    return [...document.querySelectorAll(arguments[0])]
        .filter((element) => element.checkVisibility() && element.getClientRects().length)
        .map((element) => [element, wordsOf(element)]);
"""
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
        """Wait for a visible element and return it."""
        return self.until(lambda: self.all(css, text), f"no visible {css} {text!r}")[0]

    def press(self, text: str) -> None:
        """Press the button, or follow the link, of that name."""
        self.find("button, a, summary, input[type=checkbox], input[type=radio]", text).click()

    def fill(self, label: str, text: str) -> None:
        """Type into the field of that label, in the place of what is there."""
        field = self.find("input:not([type=radio], [type=checkbox]), textarea", label)
        if field.get_attribute("type") != "file":
            field.clear()
        field.send_keys(text)

    def sees(self, text: str) -> None:
        """Wait until a text is to be seen."""
        self.until(lambda: text in self.text, f"never saw {text!r}")

    @property
    def text(self) -> str:
        """What is to be seen."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def until(self, condition: Callable[[], T], problem: str) -> T:
        """Wait until something holds; return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
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
