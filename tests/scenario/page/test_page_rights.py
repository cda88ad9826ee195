"""The page shows and offers what the visitor may do, and no name of what he may not see."""

from tests.support.page import PASSWORD, SECRET, api, go, log_in, put
from tests.support.store_talk import ask


def test_a_superuser_sees_the_stores_and_seals_them_after_a_question(store, browser):
    log_in(browser, "sue")
    browser.press("Stores")
    assert "default" in browser.text_of("tbody th")
    assert "open" in browser.text_of("tbody tr")
    browser.press("Seal")
    browser.press("Cancel")
    assert store.client("").seal_status().sealed is False
    browser.press("Seal")
    browser.click("dialog button", "Seal")
    browser.find("h1", "The store is sealed")
    browser.driver.refresh()
    browser.find("h1", "The store is sealed")
    store.unseal()
    browser.find("h1", "Secrets")  # the page goes on by itself, for who is logged in


def test_who_may_not_list_sees_a_panel_and_no_names(store, browser):
    put(store, "given/one", "for-bob")
    put(store, "given/other", "not-for-bob")
    log_in(browser, "bob")
    browser.find("h2", "Permission denied")
    browser.sees("dcos:secrets:list:default:/")
    assert "given" not in browser.driver.page_source
    assert browser.all("a", "People") == []
    browser.fill("Path", "/given/one")
    browser.press("Open the secret")
    browser.press("Show")
    browser.sees("for-bob")
    go(browser, "#/secret/default/given/other")
    browser.find("h1", "other")
    browser.press("Show")
    browser.sees("ermission denied")
    assert "not-for-bob" not in browser.driver.page_source
    go(browser, "#/people")
    browser.find("h1", "Permission denied")
    assert "ann" not in browser.text.split()
    go(browser, "#/stores")
    browser.find("h1", "Secret stores")
    assert browser.all("button", "Seal") == []


def test_people_and_what_they_were_granted(store, browser):
    description = "<b>Accounting</b>"
    log_in(browser, "sue")
    browser.press("People")
    browser.press("New user")
    browser.fill("Name", "kim")
    browser.fill("Description", description)
    browser.fill("Password", PASSWORD)
    browser.click("form button", "Create")
    browser.find("h1", "kim")
    browser.sees("None: no rule means no.")
    browser.press("Grant a permission")
    browser.type_into("select", "All secrets in a folder", text="Resource")
    browser.fill("Path", "team/db")
    browser.press("Grant")
    browser.find(".rows code", "dcos:secrets:default:/team/db/*")
    put(store, "team/db/pw", "for-kim")
    login = ask(store, "POST", "/acs/api/v1/auth/login", {"uid": "kim", "password": PASSWORD}, token="")
    assert api(store, "GET", f"{SECRET}/team/db/pw", token=login.json["token"]).json == {"value": "for-kim"}
    browser.press("Take back read on dcos:secrets:default:/team/db/*")
    browser.sees("None: no rule means no.")
    browser.until(
        lambda: api(store, "GET", f"{SECRET}/team/db/pw", token=login.json["token"]).status == 403,
        "the permission stays",
    )
    go(browser, "#/people")
    browser.sees(description)
    go(browser, "#/people/users/kim")
    browser.press("Delete")
    browser.click("dialog button", "Delete")
    browser.find("h1", "People")
    browser.until(lambda: not browser.all("a", "kim"), "the user stays")
