"""Every view has names for who cannot see, contrast for who hardly can, and fits a small screen."""

from functools import partial

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from tests.support.page import go, log_in, put

VIEWS = (
    "#/secrets/default/",
    "#/secrets/default/look/",
    "#/secret/default/look/one",
    "#/new/default/",
    "#/edit/default/look/one",
    "#/stores",
    "#/people",
    "#/people/users/ann",
    "#/nothing-here",
)

# WCAG 2.1, 1.4.3: 4.5 to 1 for text; what is disabled is left out, as the clause does.
LOW_CONTRAST = """
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(":disabled")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) bad.push(`${walker.currentNode.data}: ${ratio.toFixed(2)}`);
  }
  return bad;
"""


@pytest.mark.parametrize("dark", [pytest.param(False, id="light"), pytest.param(True, id="dark")])
def test_every_view_is_named_readable_and_fits_a_small_screen(store, browser, dark):
    name = "look/one" if not dark else "look/" + "long" * 50
    put(store, name)
    browser.look(width=360, height=740, dark=dark)
    problems = []

    def inspect(view, within="body"):
        found = browser.until(lambda: [defects(within)], f"{view} does not come to rest")[0]
        problems.extend(f"{view}: {defect}" for defect in found)

    def defects(within):
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        leaks = {"false", "true", "null", "undefined", "NaN", "[object Object]"} & set(
            browser.text.splitlines()
        )
        headings = browser.all("h1")
        return [
            *[f"{width} px wide"] * (width > 360),
            *browser.driver.execute_script(LOW_CONTRAST),
            *(
                f"a {element.tag_name} without a name"
                for element in browser.all(
                    f"{within} :is(a, button, input, select, textarea, summary, progress)"
                )
                if not element.accessible_name
            ),
            *leaks,
            *[f"{len(headings)} main headings"] * (len(headings) != 1),
        ]

    browser.find("h1", "Sign in")
    inspect("sign in")
    log_in(browser, "sue")
    browser.find("h1", "Secrets")
    for view in VIEWS:
        before = browser.find("h1")
        go(browser, view.replace("look/one", name))
        browser.until(partial(is_gone, before), f"{view} does not come")
        browser.find("h1")
        inspect(view)
    go(browser, f"#/secret/default/{name}")
    browser.press("Delete")
    inspect("question", within="dialog")
    browser.press("Cancel")
    assert problems == []


def is_gone(element):
    try:
        return not element.is_displayed()
    except StaleElementReferenceException:
        return True
