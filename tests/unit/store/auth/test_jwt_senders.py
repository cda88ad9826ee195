"""Tokens that others make every day: jobs of GitHub and GitLab, and users of the storage plane."""

import pytest
from tests.support.auth import enable, logged_in, login, write
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS, Provider

from holdfast.cli.hfctl.commands import PROGRAM as HFCTL
from holdfast.tokens.ec_key import EcSigningKey
from holdfast.tokens.rsa_key import RsaSigningKey

GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.example.com"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def provider(service):
    return Provider(service)


def mount(store, provider, issuer):
    enable(store, "jwt")
    where = {"jwks_url": provider.service.url + JWKS, "jwks_ca_pem": provider.service.ca_pem}
    write(store, "jwt/config", bound_issuer=issuer, **where)


def times(store, seconds=300):
    now = store.clock.now()
    return {"iat": now, "nbf": now - 5, "exp": now + seconds}


# -- GitHub Actions ----------------------------------------------------------------------------------------


def github(store, **changes):
    """The claims of a job, as GitHub documents them."""
    return {
        "iss": GITHUB,
        "aud": "https://vault.example",
        "sub": "repo:acme/web:ref:refs/heads/main",
        "jti": "6c0c7f7a-1f3a-4a8e-8f6e-1f0c5a5b0b6e",
        "repository": "acme/web",
        "repository_id": "74",
        "repository_owner": "acme",
        "repository_owner_id": "65",
        "repository_visibility": "private",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "ref_protected": "true",
        "event_name": "push",
        "environment": "production",
        "actor": "ann",
        "run_id": "1234567890",
        "run_attempt": "1",
        "job_workflow_ref": "acme/ci/.github/workflows/deploy.yml@refs/heads/main",
        **times(store),
        **changes,
    }


@pytest.fixture
def workflows(store, provider):
    mount(store, provider, GITHUB)
    write(
        store,
        "jwt/role/deploy",
        role_type="jwt",
        user_claim="repository",
        bound_audiences=["https://vault.example"],
        bound_claims_type="glob",
        bound_claims={
            "repository": "acme/*",
            "ref": ["refs/heads/main", "refs/heads/release-*"],
            "job_workflow_ref": "acme/ci/.github/workflows/*@refs/heads/main",
            "environment": "production",
        },
        claim_mappings={"repository": "repository", "actor": "actor", "run_id": "run"},
        token_policies=["deploy"],
        token_ttl="10m",
    )
    return store


def test_a_github_workflow_logs_in(workflows, provider):
    auth = logged_in(workflows, "jwt/login", role="deploy", jwt=provider.sign(github(workflows)))
    assert auth["policies"] == ["default", "deploy"]
    assert auth["metadata"] == {
        "role": "deploy",
        "repository": "acme/web",
        "actor": "ann",
        "run": "1234567890",
    }
    assert (auth["token_type"], auth["lease_duration"]) == ("batch", 600)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"ref": "refs/heads/release-1.2"}, 200, id="a release branch"),
        pytest.param({"repository": "acme/api"}, 200, id="another repository"),
        pytest.param({"repository": "acme-evil/web"}, 400, id="an owner with a longer name"),
        pytest.param({"repository": "evil/acme/web"}, 400, id="an owner in front"),
        pytest.param({"repository": "ACME/web"}, 400, id="other letters"),
        pytest.param({"ref": "refs/pull/7/merge"}, 400, id="a pull request"),
        pytest.param({"ref": "refs/heads/main2"}, 400, id="a branch with a longer name"),
        pytest.param({"ref": "refs/tags/refs/heads/main"}, 400, id="a tag with the name of a branch"),
        pytest.param(
            {"job_workflow_ref": "evil/ci/.github/workflows/x.yml@refs/heads/main"}, 400, id="workflow"
        ),
        pytest.param({"environment": ""}, 400, id="no environment"),
        pytest.param({"aud": "https://github.com/acme"}, 400, id="an audience by default"),
        pytest.param({"iss": "https://token.actions.evil.example"}, 400, id="another issuer"),
        pytest.param({"exp": 1}, 400, id="a job of yesterday"),
    ],
)
def test_which_github_workflows_are_meant(workflows, provider, changes, status):
    token = provider.sign(github(workflows, **changes))
    assert login(workflows, "jwt/login", role="deploy", jwt=token).status == status


def test_without_globs_a_star_is_a_star(workflows, provider):
    write(workflows, "jwt/role/deploy", bound_claims_type="string")
    token = provider.sign(github(workflows))
    assert login(workflows, "jwt/login", role="deploy", jwt=token).status == 400


# -- GitLab ------------------------------------------------------------------------------------------------


def gitlab(store, **changes):
    """The claims of an id token of a job, as GitLab documents them."""
    return {
        "iss": GITLAB,
        "aud": ["https://vault.example"],
        "sub": "project_path:team/shop/web:ref_type:branch:ref:main",
        "namespace_id": "72",
        "namespace_path": "team/shop",
        "project_id": "20",
        "project_path": "team/shop/web",
        "user_login": "ann",
        "user_email": "ann@example.com",
        "pipeline_id": "574",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_protected": "true",
        "environment_protected": "false",
        **times(store, 3600),
        **changes,
    }


@pytest.fixture
def pipelines(store, provider):
    mount(store, provider, GITLAB)
    write(
        store,
        "jwt/role/staging",
        role_type="jwt",
        user_claim="user_email",
        bound_audiences="https://vault.example",
        bound_claims_type="glob",
        bound_claims='{"project_path": "team/*", "ref_type": "branch", "ref_protected": true}',
        claim_mappings='{"project_path": "project", "job_id": "job"}',
        policies="staging",
        ttl=300,
    )
    return store


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 200, id="as documented"),
        pytest.param({"ref_protected": True}, 200, id="true for a word"),
        pytest.param({"ref_protected": "false"}, 400, id="a branch that anybody pushes to"),
        pytest.param({"ref_type": "tag"}, 400, id="a tag"),
        pytest.param({"project_path": "teams/web"}, 400, id="another group"),
        pytest.param({"project_path": "x/team/web"}, 400, id="a group below another"),
        pytest.param({"aud": ["https://gitlab.example.com"]}, 400, id="for itself"),
        pytest.param({"user_email": ""}, 400, id="nobody"),
    ],
)
def test_which_gitlab_jobs_are_meant(pipelines, provider, changes, status):
    token = provider.sign(gitlab(pipelines, **changes))
    answer = login(pipelines, "jwt/login", role="staging", jwt=token)
    assert answer.status == status, answer.body
    if status == 200:
        assert answer.auth["metadata"] == {"role": "staging", "project": "team/shop/web", "job": "302"}


# -- the storage plane's own tokens ------------------------------------------------------------------------

USER = "name: Alice\nemail: alice@example.com\nsub: alice\nroles: [system.user]\ngroups: [dev, ops]\n"


@pytest.mark.parametrize(
    ("kind", "option"), [(RsaSigningKey, "--rsa-private-keyfile"), (EcSigningKey, "--ecdsa-private-keyfile")]
)
def test_a_token_that_hfctl_made_logs_in_where_its_key_is_known(
    store, tmp_path, monkeypatch, capsys, kind, option
):
    """The same token that a storage node takes, at the store that has the volume's key."""
    key = kind.generate()
    (tmp_path / "user.yaml").write_text(USER)
    (tmp_path / "key.pem").write_bytes(key.pem().reveal())
    (tmp_path / "key.pem").chmod(0o600)
    monkeypatch.setattr("holdfast.cli.hfctl.auth.time.time", store.clock.now)

    def generate(issuer="px.example.com", duration="1h"):
        words = ["--auth-config", str(tmp_path / "user.yaml"), option, str(tmp_path / "key.pem")]
        words += ["--issuer", issuer, "--token-duration", duration]
        assert HFCTL.main(["auth", "token", "generate", *words]) == 0
        return capsys.readouterr().out.strip()

    enable(store, "jwt", "storage")
    pem = key.verifying_key().pem().decode()
    write(store, "storage/config", jwt_validation_pubkeys=pem, bound_issuer="px.example.com")
    write(
        store,
        "storage/role/user",
        role_type="jwt",
        user_claim="sub",
        groups_claim="groups",
        bound_claims={"roles": ["system.user", "system.admin"]},
        claim_mappings={"email": "email"},
        token_policies="volumes",
    )
    auth = logged_in(store, "storage/login", role="user", jwt=generate())
    assert (auth["policies"], auth["metadata"]["email"]) == (["default", "volumes"], "alice@example.com")
    refused = [generate(issuer="another.example.com"), generate(duration="0s")]
    store.clock.advance(120)
    for token in refused:
        assert login(store, "storage/login", role="user", jwt=token).status == 400
    write(store, "storage/role/user", bound_claims={"roles": "system.admin"})
    assert login(store, "storage/login", role="user", jwt=generate()).status == 400


def test_a_shared_secret_of_the_storage_plane_is_no_key_here(store):
    enable(store, "jwt", "storage")
    answer = store.vault(
        "POST", "auth/storage/config", {"jwt_validation_pubkeys": "a shared secret"}, token=store.root
    )
    assert (answer.status, "in PEM form" in answer.errors[0]) == (400, True)
