"""How a visit begins and ends, and that nothing of it stays behind for scripts or for who comes next."""

from tests.support.page import SECRET, api, go, log_in, put, use_token
from tests.support.store_talk import ask


def test_log_in_by_password_leaves_nothing_for_scripts(store, browser):
    assert browser.driver.current_url == f"{store.url}/ui/"
    log_in(browser, "ann", "wrong-password")
    browser.sees("User and password do not match.")
    log_in(browser, "ann")
    browser.find("h1", "Secrets")
    cookies = {cookie["name"]: cookie for cookie in browser.driver.get_cookies()}
    guarded = cookies["dcos-acs-auth-cookie"]
    assert (guarded["httpOnly"], guarded["sameSite"]) == (True, "Strict")
    assert browser.driver.execute_script("return [localStorage.length, sessionStorage.length]") == [0, 0]
    assert guarded["value"] not in browser.driver.execute_script("return document.cookie")
    browser.driver.refresh()
    browser.find("h1", "Secrets")
    browser.press("Sign out")
    browser.find("h1", "Sign in")
    assert browser.driver.get_cookies() == []
    assert api(store, "GET", f"{SECRET}/?list=true", token=guarded["value"]).status == 401


def test_a_token_stays_in_memory_only(store, browser):
    use_token(browser, "hvs.not-a-token")
    browser.sees("This token is not valid")
    browser.fill("Token", store.root_token)
    browser.press("Sign in")
    browser.find("h1", "Secrets")
    assert browser.driver.get_cookies() == []
    kept = (
        "return JSON.stringify([localStorage, sessionStorage, location.href, history.state, document.cookie])"
    )
    assert store.root_token not in browser.driver.execute_script(kept)
    assert store.root_token not in browser.driver.page_source
    browser.driver.refresh()
    browser.find("h1", "Sign in")


def test_who_guesses_passwords_is_told_to_wait(store, browser):
    guess = {"uid": "guessed", "password": "wrong-password"}

    def guess_on():
        for _ in range(11):
            ask(store, "POST", "/acs/api/v1/auth/login", guess, token="")
        log_in(browser, guess["uid"], guess["password"])
        return browser.until(lambda: browser.text_of(".error"), "no reason is given")

    browser.until(lambda: "Too many failed logins: try again in" in guess_on(), "nobody has to wait")


def test_a_session_that_has_ended_takes_everything_with_it(store, browser):
    put(store, "ended/one", "seen-before")
    log_in(browser, "ann")
    go(browser, "#/secret/default/ended/one")
    browser.press("Show")
    browser.sees("seen-before")
    assert api(store, "DELETE", "/acs/api/v1/users/ann/tokens").status == 204
    browser.press("Copy")
    browser.sees("Your session has ended. Sign in again.")
    assert "seen-before" not in browser.driver.page_source
    assert browser.driver.current_url == f"{store.url}/ui/#/"
    log_in(browser, "ann")
    browser.find("h1", "Secrets")


def test_a_store_that_goes_away_is_missed_and_found_again(store, browser):
    log_in(browser, "ann")
    browser.find("h1", "Secrets")
    store.stop()
    browser.sees("The store does not answer.")
    store.start()
    browser.find("h1", "The store is sealed")
    assert "does not answer" not in browser.text
    store.unseal()
    browser.find("h1", "Secrets")


def test_when_the_store_is_sealed_nothing_stays_and_keys_open_it_again(store, browser):
    put(store, "quiet/name-not-to-see", "value-not-to-see")
    use_token(browser, store.root_token)
    go(browser, "#/secret/default/quiet/name-not-to-see")
    browser.press("Show")
    browser.sees("value-not-to-see")
    assert api(store, "PUT", "/secrets/v1/seal/default").status == 200
    browser.find("h1", "The store is sealed")
    page = browser.driver.page_source + browser.driver.title + browser.driver.current_url
    assert "not-to-see" not in page
    assert browser.all("nav, button", "Sign out") == []
    assert browser.driver.current_url == f"{store.url}/ui/#/"
    browser.sees("0 of 3 keys")

    browser.fill("Unseal key", "no key at all")
    browser.press("Hand in the key")
    browser.until(lambda: [place.text for place in browser.all(".error") if place.text], "no reason is given")
    browser.fill("Unseal key", store.shares[0])
    browser.press("Hand in the key")
    browser.sees("1 of 3 keys")
    browser.type_into("input", "half typed", text="Unseal key")
    store.client("").unseal(store.shares[1])  # by somebody else
    browser.sees("2 of 3 keys")
    assert browser.value_of("input", "Unseal key") == "half typed"
    browser.press("Start over")
    browser.sees("0 of 3 keys")
    for share in store.shares[1:4]:
        browser.fill("Unseal key", share)
        browser.press("Hand in the key")
        browser.until(lambda: not any(browser.values("input[type=password]")), "the key stays in the field")
    browser.find("h1", "Secrets")
