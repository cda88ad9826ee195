"""People and programs at a real OpenID provider: hvac, the command line, several workers, its bad days."""

import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import hvac
import pytest
from tests.support.oidc_provider import Browser, OidcProvider, private_jwk
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

CLIENT, SECRET = "vault", "a secret of the client, for tests"
WEB, WEB_SECRET = "vault-direct", "another secret of a client, for tests"
REDIRECT = "http://localhost:8250/oidc/callback"
AUDIENCE = "https://vault.example"
JOB, JOB_SECRET = "ci-job", "a secret of the job, for tests only"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[StoreProcess]:
    with StoreProcess(tmp_path_factory.mktemp("oidc"), audit=True, workers=3) as process:
        process.initialize(shares=1, threshold=1)
        yield process


@pytest.fixture(scope="module")
def provider(store) -> Iterator[OidcProvider]:
    provider = OidcProvider(resources={AUDIENCE: {"project_path": "team/web", "ref_protected": "true"}})
    provider.client(CLIENT, SECRET, REDIRECT)
    direct = f"{store.url}/v1/auth/direct/oidc/callback"
    provider.client(WEB, WEB_SECRET, direct)
    provider.client(
        JOB, JOB_SECRET, grant_types=["client_credentials"], response_types=[], application_type="web"
    )
    provider.client("public", "", REDIRECT)
    provider.client("another", "a secret of another, for tests only", REDIRECT)
    with provider:
        client = admin(store)
        client.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read"] }')
        configure(store, provider, "oidc", CLIENT, SECRET)
        configure(store, provider, "direct", WEB, WEB_SECRET)
        role = {"allowed_redirect_uris": direct, "callback_mode": "direct", "user_claim": "sub"}
        assert ask(store, "POST", "/v1/auth/direct/role/people", role).status == 204
        client.auth.jwt.create_role(
            "people",
            user_claim="email",
            allowed_redirect_uris=[REDIRECT],
            role_type="oidc",
            bound_claims={"email": "*@example.com"},
            bound_claims_type="glob",
            claim_mappings={"name": "name"},
            groups_claim="groups",
            oidc_scopes=["email", "profile", "groups"],
            token_policies=["reader"],
            path="oidc",
        )
        yield provider


def admin(store) -> hvac.Client:
    return hvac.Client(url=store.url, token=store.root_token)


def configure(store, provider, path, client, secret):
    admin(store).sys.enable_auth_method("oidc", path=path)
    admin(store).auth.jwt.configure(
        oidc_discovery_url=provider.issuer,
        oidc_client_id=client,
        oidc_client_secret=secret,
        default_role="people",
        path=path,
    )


def begin(store, *, path="oidc", role="people"):
    answer = hvac.Client(url=store.url).auth.jwt.oidc_authorization_url_request(role, REDIRECT, path=path)
    return answer["data"]["auth_url"]


def come_back(store, location, *, path="oidc"):
    """Hand the provider's answer in, on a connection of its own that any worker may take."""
    return ask(store, "GET", f"/v1/auth/{path}/oidc/callback?{urlsplit(location).query}", token="")


def test_hvac_logs_somebody_in(store, provider):
    url = begin(store)
    answer = dict(parse_qsl(urlsplit(Browser("ann").log_in(url)).query))
    nonce = dict(parse_qsl(urlsplit(url).query))["nonce"]
    ann = hvac.Client(url=store.url)
    auth = ann.auth.jwt.oidc_callback(answer["state"], nonce, answer["code"], path="oidc")["auth"]
    assert (auth["policies"], auth["metadata"]) == (["default", "reader"], {"name": "Ann", "role": "people"})
    ann.token = auth["client_token"]
    assert ann.lookup_token()["data"]["display_name"] == "oidc-ann@example.com"


def test_each_step_may_be_served_by_another_worker(store, provider):
    for number in range(6):
        person = ("ann", "bob")[number % 2]
        answer = come_back(store, Browser(person).log_in(begin(store)))
        assert answer.status == 200, answer.body


def test_claims_that_are_only_at_the_userinfo_endpoint_count(store, provider):
    provider.stop()
    provider.slim = True
    provider.start()
    try:
        answer = come_back(store, Browser("ann").log_in(begin(store)))
        assert answer.json["auth"]["metadata"]["name"] == "Ann"
    finally:
        provider.stop()
        provider.slim = False
        provider.start()


def test_groups_that_the_provider_names_bring_their_policies(store, provider):
    client = admin(store)
    accessor = client.sys.list_auth_methods()["data"]["oidc/"]["accessor"]
    group = client.secrets.identity.create_or_update_group(
        name="red", group_type="external", policies=["of-team-red"]
    )["data"]["id"]
    client.secrets.identity.create_or_update_group_alias(
        name="team-red", mount_accessor=accessor, canonical_id=group
    )
    auth = come_back(store, Browser("ann").log_in(begin(store))).json["auth"]
    assert auth["identity_policies"] == ["of-team-red"]
    assert auth["policies"] == ["default", "of-team-red", "reader"]
    assert not come_back(store, Browser("bob").log_in(begin(store))).json["auth"].get("identity_policies")


def test_an_answer_is_taken_once_and_by_the_mount_that_asked(store, provider):
    location = Browser("ann").log_in(begin(store))
    assert "expired or missing OAuth state" in refusal(come_back(store, location, path="direct"))
    assert come_back(store, location).status == 200
    # The provider refuses the code already; the state is used up as well.
    assert refusal(come_back(store, location))
    another = urlsplit(Browser("ann").log_in(begin(store)))
    code = dict(parse_qsl(another.query))["code"]
    state = dict(parse_qsl(urlsplit(location).query))["state"]
    assert refusal(come_back(store, f"{REDIRECT}?state={state}&code={code}"))


def test_a_code_of_another_login_is_of_no_use(store, provider):
    """Its verifier and its nonce are those of the login that asked for it."""
    mine, theirs = begin(store), begin(store)
    code = dict(parse_qsl(urlsplit(Browser("ann").log_in(theirs)).query))["code"]
    state = dict(parse_qsl(urlsplit(mine).query))["state"]
    answer = come_back(store, f"{REDIRECT}?state={state}&code={code}")
    assert "does not accept the code: invalid_grant" in refusal(answer)


def test_somebody_who_does_not_log_in_is_told_so(store, provider):
    answer = come_back(store, Browser("").log_in(begin(store)))
    assert refusal(answer) == "login failed: the provider refused: access_denied"


def test_an_account_that_the_role_does_not_mean_gets_nothing(store, provider):
    provider.people["eve"] = {"email": "eve@evil.example", "name": "Eve", "groups": []}
    provider.stop()
    provider.start()
    answer = come_back(store, Browser("eve").log_in(begin(store)))
    assert 'claim "email" does not match any associated bound claim values' in refusal(answer)


def test_a_client_whose_secret_is_wrong_is_the_store_s_trouble(store, provider):
    configure(store, provider, "wrong", CLIENT, "not the secret")
    role = {"allowed_redirect_uris": REDIRECT, "user_claim": "sub"}
    assert ask(store, "POST", "/v1/auth/wrong/role/people", role).status == 204
    answer = come_back(store, Browser("ann").log_in(begin(store, path="wrong")), path="wrong")
    assert answer.status == 503
    assert "does not accept this store as its client: invalid_client" in refusal(answer)


def test_a_public_client_needs_no_secret(store, provider):
    configure(store, provider, "public", "public", "")
    role = {"allowed_redirect_uris": REDIRECT, "user_claim": "sub"}
    assert ask(store, "POST", "/v1/auth/public/role/people", role).status == 204
    answer = come_back(store, Browser("ann").log_in(begin(store, path="public")), path="public")
    assert answer.status == 200, answer.body


def test_a_program_logs_in_with_the_access_token_that_is_for_the_store(store, provider):
    admin(store).sys.enable_auth_method("jwt")
    admin(store).auth.jwt.configure(oidc_discovery_url=provider.issuer, default_role="deploy")
    role = {
        "role_type": "jwt",
        "user_claim": "client_id",
        "bound_audiences": AUDIENCE,
        "bound_claims": {"project_path": "team/*", "ref_protected": "true"},
        "bound_claims_type": "glob",
    }
    assert ask(store, "POST", "/v1/auth/jwt/role/deploy", role).status == 204
    token = provider.access_token(JOB, JOB_SECRET, AUDIENCE)
    auth = ask(store, "POST", "/v1/auth/jwt/login", {"jwt": token}, token="").json["auth"]
    assert (auth["token_type"], auth["metadata"]["role"]) == ("batch", "deploy")
    role["bound_audiences"] = "https://another.example"
    assert ask(store, "POST", "/v1/auth/jwt/role/deploy", role).status == 204
    answer = ask(store, "POST", "/v1/auth/jwt/login", {"jwt": token}, token="")
    assert "aud claim does not match" in refusal(answer)


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_the_provider_may_change_its_key_and_its_algorithm(store, provider, algorithm):
    """A login that began before goes on after; the new key is asked for with the first token it signed."""
    path = f"to-{algorithm.lower()}"
    client = provider.clients[0]
    configure(store, provider, path, CLIENT, SECRET)
    role = {"allowed_redirect_uris": REDIRECT, "user_claim": "sub"}
    assert ask(store, "POST", f"/v1/auth/{path}/role/people", role).status == 204
    url = begin(store, path=path)
    client["id_token_signed_response_alg"] = algorithm
    provider.rotate(private_jwk(algorithm, f"new-{algorithm}"))
    try:
        answer = come_back(store, Browser("ann").log_in(url), path=path)
        assert answer.status in {200, 400}, answer.body  # a worker that asked less than ten seconds ago waits
        assert answer.status == 200 or "no such key" in refusal(answer)
        configure_again = {"oidc_discovery_url": provider.issuer, "oidc_client_id": CLIENT}
        configure_again |= {
            "oidc_client_secret": SECRET,
            "default_role": "people",
            "bound_issuer": provider.issuer,
        }
        assert ask(store, "POST", f"/v1/auth/{path}/config", configure_again).status == 204
        answer = come_back(store, Browser("ann").log_in(begin(store, path=path)), path=path)
        assert answer.status == 200, answer.body
    finally:
        del client["id_token_signed_response_alg"]
        provider.stop()
        provider.keys = [key for key in provider.keys if not key["kid"].startswith("new-")]
        provider.start()


def test_a_provider_that_is_away_is_said_to_be(store, provider):
    location = Browser("ann").log_in(begin(store))
    provider.stop()
    try:
        answer = come_back(store, location)
        assert (answer.status, refusal(answer)) == (
            503,
            "the token provider cannot be asked at the moment: try again later",
        )
    finally:
        provider.start()


# -- at a terminal -----------------------------------------------------------------------------------------


class Terminal:
    """Somebody who types ``holdfast login``, until it says where to go."""

    def __init__(self, store, home, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "holdfast.cli.holdfast", "login", "-method=oidc", *words],
            env={"HOME": str(home), "HOLDFAST_ADDR": store.url, "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        for line in self.process.stderr:
            self.said.append(line.strip())
            if line.startswith("Waiting"):
                break
        self.url = next((line for line in self.said if line.startswith("http")), "")

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, "\n".join([*self.said, err])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def test_somebody_logs_in_at_a_terminal(store, provider, tmp_path):
    with Terminal(store, tmp_path, "role=people", "port=0") as terminal:
        browser = Browser("ann")
        status, _ = browser.open(browser.log_in(terminal.url))
        assert status == 200
        code, out, err = terminal.end()
    assert code == 0, err
    assert "token_meta_name      Ann" in out
    token = (tmp_path / ".holdfast-token").read_text()
    about = ask(store, "GET", "/v1/auth/token/lookup-self", token=token).json["data"]
    assert about["display_name"] == "oidc-ann@example.com"


def test_somebody_who_gives_up_at_the_provider_sees_it_at_the_terminal(store, provider, tmp_path):
    with Terminal(store, tmp_path, "port=0") as terminal:
        browser = Browser("")
        browser.open(browser.log_in(terminal.url))
        code, out, err = terminal.end()
    assert (code, out) == (2, "")
    assert "the provider refused: access_denied" in err
    assert list(tmp_path.iterdir()) == []


def test_somebody_whose_browser_is_on_another_machine_comes_back_to_the_store(store, provider, tmp_path):
    with Terminal(store, tmp_path, "-path=direct", "-field=policies", "callbackmode=direct") as terminal:
        browser = Browser("ann")
        question = browser.log_in(terminal.url)
        assert browser.open(question)[0] == 200
        assert browser.open(f"{question}&confirmation=yes")[0] == 200
        code, out, err = terminal.end()
    assert (code, out) == (0, "[default]"), err
    assert (tmp_path / ".holdfast-token").exists()


def test_a_role_that_does_not_exist_is_a_refusal_of_the_store(store, provider, tmp_path):
    with Terminal(store, tmp_path, "role=nobody", "port=0") as terminal:
        code, _, err = terminal.end()
    assert code == 2
    assert "role could not be found" in err


def test_no_secret_of_a_login_is_in_the_audit_file_or_the_log(store, provider):
    recorded = store.audit_path.read_text() + store.log_path.read_text()
    assert "auth/oidc/oidc/callback" in recorded
    for secret in (SECRET, WEB_SECRET, "code=", "eyJ", "ann@evil"):
        assert secret not in recorded


def refusal(answer):
    assert answer.status >= 400, answer.body
    return answer.json["errors"][0]
