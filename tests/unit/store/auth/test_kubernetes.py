"""Pods log in as their service account: as the cluster says, or by its keys, and never as another one."""

import pytest
from tests.support.auth import about, enable, login, read, write
from tests.support.cluster import ISSUER, REVIEWER, Cluster
from tests.support.https_service import HttpsService
from tests.support.provider import rsa_key

from holdfast.errors import PermissionDeniedError
from holdfast.store.auth.kubernetes import own_pod
from holdfast.store.auth.kubernetes.review import check_status
from holdfast.store.auth.kubernetes.service_account import ServiceAccount
from holdfast.tokens.compact import write_compact

LOGIN = "kubernetes/login"
SELECTOR = "bound_service_account_namespace_selector"
DENIED = "1 error occurred:\n\t* permission denied\n\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def cluster(service):
    service.status, service.asked[:] = None, []
    return Cluster(service)


@pytest.fixture
def pods(store, cluster):
    """A store that asks the cluster, as the guide has it, with one role."""
    enable(store, "kubernetes")
    configure(store, cluster)
    write(
        store,
        "kubernetes/role/portworx",
        bound_service_account_names="px-account",
        bound_service_account_namespaces="kube-system",
        policies="portworx",
        ttl="24h",
    )
    return store


def configure(store, cluster, **changes):
    reviewer = cluster.token("kube-system", "vault-auth", now=store.clock.now(), seconds=10**8)
    fields = {
        "token_reviewer_jwt": reviewer,
        "kubernetes_host": cluster.service.url,
        "kubernetes_ca_cert": cluster.service.ca_pem,
    } | changes
    return write(store, "kubernetes/config", **fields)


def attempt(store, cluster, *, role="portworx", namespace="kube-system", name="px-account", **changes):
    token = cluster.token(namespace, name, now=store.clock.now(), **changes)
    return login(store, LOGIN, role=role, jwt=token)


def test_a_pod_gets_the_token_of_its_role(pods, cluster):
    answer = attempt(pods, cluster)
    assert answer.status == 200, answer.body
    auth = answer.auth
    assert auth["client_token"].startswith("hvb.")
    assert auth["policies"] == ["default", "portworx"]
    assert auth["lease_duration"] == 24 * 3600
    assert auth["metadata"] == {
        "role": "portworx",
        "service_account_name": "px-account",
        "service_account_namespace": "kube-system",
        "service_account_secret_name": "",
        "service_account_uid": "uid-of-kube-system-px-account",
    }
    told = about(pods, auth["client_token"])
    assert (told["display_name"], told["path"]) == (
        "kubernetes-kube-system-px-account",
        "auth/kubernetes/login",
    )


def test_a_token_out_of_a_secret_logs_in_too(pods, cluster):
    answer = login(pods, LOGIN, role="portworx", jwt=cluster.legacy_token("kube-system", "px-account"))
    assert answer.auth["metadata"]["service_account_secret_name"] == "px-account-token-x1"


def test_the_configuration_is_shown_without_the_token(pods, cluster):
    shown = read(pods, "kubernetes/config")
    assert shown["kubernetes_host"] == cluster.service.url
    assert shown["token_reviewer_jwt_set"] is True
    assert "token_reviewer_jwt" not in shown
    role = read(pods, "kubernetes/role/portworx")
    assert (role["token_policies"], role["policies"], role["token_ttl"]) == (
        ["portworx"],
        ["portworx"],
        86400,
    )
    assert role["bound_service_account_names"] == ["px-account"]
    assert role["alias_name_source"] == "serviceaccount_uid"


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({"role": ""}, "missing role", id="no role"),
        pytest.param({"jwt": ""}, "missing jwt", id="no token"),
        pytest.param({"role": "other"}, "invalid role name", id="unknown role"),
        pytest.param({"jwt": ["x"]}, "jwt: expected a string", id="a list"),
    ],
)
def test_a_login_is_malformed(pods, cluster, fields, refusal):
    token = cluster.token("kube-system", "px-account", now=pods.clock.now())
    answer = login(pods, LOGIN, **{"role": "portworx", "jwt": token} | fields)
    assert answer.status == 400
    assert refusal in answer.errors[0]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"name": "other"}, "service account name not authorized", id="another account"),
        pytest.param({"name": "px-account2"}, "service account name not authorized", id="longer name"),
        pytest.param({"namespace": "default"}, "namespace not authorized", id="another namespace"),
        pytest.param({"exp": 1}, DENIED, id="expired"),
        pytest.param({"nbf": 9_999_999_999}, DENIED, id="not valid yet"),
        pytest.param({"exp": "x"}, DENIED, id="no time"),
        pytest.param({"kubernetes.io": None}, DENIED, id="not a service account"),
        pytest.param({"kubernetes.io": {"namespace": "kube-system"}}, DENIED, id="half an account"),
        pytest.param({"kubernetes.io": "x"}, DENIED, id="no object"),
    ],
)
def test_a_token_is_refused_without_asking_the_cluster(pods, cluster, changes, refusal):
    answer = attempt(pods, cluster, **changes)
    assert (answer.status, answer.errors) == (403, [refusal])
    assert cluster.reviews == []


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x", id="no token"),
        pytest.param("a.b.c", id="three words"),
        pytest.param("x" * 9000, id="oversized"),
    ],
)
def test_what_is_no_token_is_refused(pods, token):
    assert login(pods, LOGIN, role="portworx", jwt=token).status == 403


def test_a_token_that_the_cluster_does_not_know_is_refused(pods, cluster):
    token = cluster.token("kube-system", "px-account", now=pods.clock.now())
    del cluster.accounts["kube-system", "px-account"]
    answer = login(pods, LOGIN, role="portworx", jwt=token)
    assert (answer.status, answer.errors) == (403, [DENIED])


def test_an_account_that_was_made_anew_is_another_one(pods, cluster):
    token = cluster.token("kube-system", "px-account", now=pods.clock.now())
    cluster.accounts["kube-system", "px-account"] = "another-uid"
    assert login(pods, LOGIN, role="portworx", jwt=token).status == 403


ACCOUNT = ServiceAccount("ns", "name", "uid")
USER = {"username": "system:serviceaccount:ns:name", "uid": "uid"}


@pytest.mark.parametrize(
    ("status", "audience"),
    [
        pytest.param(None, "", id="none"),
        pytest.param({}, "", id="empty"),
        pytest.param({"authenticated": "true", "user": USER}, "", id="a word for true"),
        pytest.param({"authenticated": False, "user": USER}, "", id="not authenticated"),
        pytest.param({"authenticated": True, "error": "x", "user": USER}, "", id="with an error"),
        pytest.param({"authenticated": True}, "", id="nobody"),
        pytest.param({"authenticated": True, "user": USER | {"username": "admin"}}, "", id="a person"),
        pytest.param({"authenticated": True, "user": USER | {"uid": "x"}}, "", id="another uid"),
        pytest.param({"authenticated": True, "user": USER}, "vault", id="audience ignored by the cluster"),
        pytest.param(
            {"authenticated": True, "user": USER, "audiences": ["x"]}, "vault", id="another audience"
        ),
    ],
)
def test_what_a_review_does_not_vouch_for_is_refused(status, audience):
    with pytest.raises(PermissionDeniedError):
        check_status(status, audience, ACCOUNT)


def test_a_review_that_vouches_for_exactly_this_account():
    check_status({"authenticated": True, "user": USER, "audiences": ["vault"]}, "vault", ACCOUNT)


def test_an_audience_is_asked_for_and_insisted_on(pods, cluster):
    write(pods, "kubernetes/role/portworx", audience="vault")
    assert attempt(pods, cluster).status == 403
    assert attempt(pods, cluster, audience="vault").status == 200
    assert cluster.reviews[-1]["spec"]["audiences"] == ["vault"]


@pytest.mark.parametrize(
    ("names", "namespaces", "account", "fits"),
    [
        ("px-*", "kube-*", ("kube-system", "px-account"), True),
        ("px-*", "kube-*", ("kube-system", "account-px"), False),
        ("*", "team-a", ("team-a", "any"), True),
        ("*", "team-a", ("team-ab", "any"), False),
        ("a,b", "*", ("x", "b"), True),
    ],
)
def test_names_may_be_patterns(pods, cluster, names, namespaces, account, fits):
    write(
        pods,
        "kubernetes/role/wide",
        bound_service_account_names=names,
        bound_service_account_namespaces=namespaces,
    )
    answer = attempt(pods, cluster, role="wide", namespace=account[0], name=account[1])
    assert answer.status == (200 if fits else 403)


def test_a_role_for_everything_is_warned_of(pods):
    answer = write(
        pods,
        "kubernetes/role/all",
        bound_service_account_names="*",
        bound_service_account_namespaces=["*"],
    )
    assert "every service account" in answer.json["warnings"][0]


# -- the cluster in trouble --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_cluster_in_trouble_is_no_refusal(pods, cluster, status):
    cluster.service.status = status
    answer = attempt(pods, cluster)
    assert answer.status == 503
    assert "permission denied" not in answer.errors[0]
    cluster.service.status = None
    assert attempt(pods, cluster).status == 200


def test_a_cluster_that_is_away_is_no_refusal(pods, cluster):
    configure(pods, cluster, kubernetes_host="https://127.0.0.1:1")
    answer = attempt(pods, cluster)
    assert (answer.status, answer.errors) == (
        503,
        ["the cluster's API server cannot be asked at the moment: try again later"],
    )


def test_a_certificate_of_somebody_else_is_not_believed(pods, cluster, tmp_path):
    from pathlib import Path

    from tests.support.certificates import TestAuthority

    foreign = Path(TestAuthority("foreign").write_authority(tmp_path / "ca.pem")).read_text()
    configure(pods, cluster, kubernetes_ca_cert=foreign)
    assert attempt(pods, cluster).status == 503
    assert cluster.service.asked == []


def test_a_reviewer_whose_right_was_taken_is_in_the_log(pods, cluster, caplog):
    cluster.reviewers.clear()
    answer = attempt(pods, cluster)
    assert (answer.status, answer.errors) == (403, [DENIED])
    assert "refused a TokenReview with status 403" in caplog.text


def test_without_a_reviewer_a_pod_asks_for_itself(pods, cluster):
    configure(pods, cluster, token_reviewer_jwt="")
    assert attempt(pods, cluster).status == 403
    cluster.reviewers.add("system:serviceaccount:kube-system:px-account")
    assert attempt(pods, cluster).status == 200


@pytest.fixture
def in_pod(pods, cluster, tmp_path, monkeypatch):
    """The same store inside a pod of the cluster; returns the token of that pod."""
    monkeypatch.setattr(own_pod, "OWN_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    (tmp_path / "ca.crt").write_text(cluster.service.ca_pem)
    own = cluster.token("kube-system", "vault-auth", now=pods.clock.now())
    (tmp_path / "token").write_text(own + "\n")
    return own


def shown_tokens(cluster):
    """Return the list into which go the tokens that the cluster is shown from now on."""
    seen = []

    def watched(page):
        def respond(path, headers, body):
            seen.append(headers.get("Authorization", "").removeprefix("Bearer "))
            return page(path, headers, body) if callable(page) else (200, page)

        return respond

    cluster.service.pages = {path: watched(page) for path, page in cluster.service.pages.items()}
    return seen


def test_inside_the_cluster_our_own_pod_s_files_do(pods, cluster, in_pod):
    configure(pods, cluster, token_reviewer_jwt="", kubernetes_ca_cert="")
    seen = shown_tokens(cluster)
    assert attempt(pods, cluster).status == 200
    assert seen == [in_pod]
    configure(pods, cluster, token_reviewer_jwt="", disable_local_ca_jwt=True)
    assert attempt(pods, cluster).status == 403
    assert in_pod not in seen[1:]


def test_inside_the_cluster_the_guide_s_configuration_does(pods, cluster, in_pod):
    reviewer = cluster.token("kube-system", "vault-auth", now=pods.clock.now(), seconds=500)
    assert configure(pods, cluster, token_reviewer_jwt=reviewer).status < 300
    seen = shown_tokens(cluster)
    assert attempt(pods, cluster).status == 200
    assert seen == [reviewer]


@pytest.mark.parametrize(
    ("own_host", "changes"),
    [
        pytest.param("127.0.0.1", {}, id="authorities of somebody's own"),
        pytest.param("", {}, id="authorities of somebody's own, and the address is not known"),
        pytest.param("10.96.0.1", {"kubernetes_ca_cert": ""}, id="another address"),
        pytest.param(
            "10.96.0.1",
            {"kubernetes_ca_cert": "", "kubernetes_host": "https://kubernetes.default.svc.evil.example"},
            id="a name that begins like the cluster's",
        ),
        pytest.param(
            "127.0.0.1",
            {"kubernetes_ca_cert": "", "kubernetes_host": "http://127.0.0.1:8080"},
            id="plain http",
        ),
        pytest.param(
            "10.96.0.1",
            {"kubernetes_host": "https://kubernetes.default.svc"},
            id="the right name with other authorities",
        ),
    ],
)
def test_our_own_pod_s_token_is_for_its_own_cluster_alone(
    pods, cluster, in_pod, monkeypatch, own_host, changes
):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", own_host)
    fields = {"kubernetes_host": cluster.service.url, "kubernetes_ca_cert": cluster.service.ca_pem} | changes
    before = read(pods, "kubernetes/config")
    answer = pods.vault("POST", "auth/kubernetes/config", fields, token=pods.root)
    assert answer.status == 400
    assert answer.errors[0].startswith("token_reviewer_jwt: expected the token of an account")
    assert "leave out kubernetes_ca_cert" in answer.errors[0]
    assert read(pods, "kubernetes/config") == before


@pytest.mark.parametrize(
    ("own_host", "changes"),
    [
        pytest.param("127.0.0.1", {}, id="authorities of somebody's own"),
        pytest.param("10.96.0.1", {"kubernetes_ca_cert": ""}, id="another address"),
    ],
)
def test_keys_are_fetched_without_our_own_pod_s_token(pods, cluster, in_pod, monkeypatch, own_host, changes):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", own_host)
    seen = shown_tokens(cluster)
    configured = configure(pods, cluster, **{"token_reviewer_jwt": "", "local_verification": True} | changes)
    assert configured.status == 204
    assert attempt(pods, cluster).status == 200
    assert set(seen) == {""}


def test_our_own_cluster_is_asked_for_its_keys_with_our_own_token(pods, cluster, in_pod):
    seen = shown_tokens(cluster)
    configure(pods, cluster, token_reviewer_jwt="", kubernetes_ca_cert="", local_verification=True)
    assert attempt(pods, cluster).status == 200
    assert set(seen) == {in_pod}


def test_what_was_stored_before_does_not_show_our_own_token_either(pods, cluster, request):
    assert configure(pods, cluster, token_reviewer_jwt="").status < 300  # outside a pod, where it is fine
    own = request.getfixturevalue("in_pod")
    seen = shown_tokens(cluster)
    assert attempt(pods, cluster).status == 403
    assert len(seen) == 1
    assert own not in seen


@pytest.mark.parametrize(
    ("own_host", "url", "is_own"),
    [
        pytest.param("10.96.0.1", "https://10.96.0.1", True, id="the address"),
        pytest.param("10.96.0.1", "https://10.96.0.1:443", True, id="with a port"),
        pytest.param("fd00::1", "https://[FD00:0::1]:443", True, id="IPv6"),
        pytest.param("10.96.0.1", "https://kubernetes.default", True, id="a short name"),
        pytest.param("10.96.0.1", "https://Kubernetes.Default.svc:443", True, id="upper case"),
        pytest.param("10.96.0.1", "https://kubernetes.default.svc.cluster.local.", True, id="a full name"),
        pytest.param("api.cluster.example", "https://api.cluster.example", True, id="a name of its own"),
        pytest.param("", "https://10.0.0.1:6443", True, id="the cluster does not say"),
        pytest.param("10.96.0.1", "https://10.96.0.2", False, id="another address"),
        pytest.param("10.96.0.1", "https://10.96.0.1.evil.example", False, id="begins with the address"),
        pytest.param("10.96.0.1", "https://kubernetes", False, id="a name that any namespace can have"),
        pytest.param("10.96.0.1", "https://evil/kubernetes.default.svc", False, id="the name in the path"),
        pytest.param("10.96.0.1", "https://10.96.0.1@evil", False, id="the address as a user"),
        pytest.param("127.0.0.1", "http://127.0.0.1", False, id="plain http"),
        pytest.param("", "unix:///run/evil.sock", False, id="a Unix socket"),
    ],
)
def test_which_address_is_our_own_cluster(monkeypatch, own_host, url, is_own):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", own_host)
    assert own_pod.is_own_cluster(url) is is_own


# -- by the cluster's keys ---------------------------------------------------------------------------------


def test_keys_in_the_configuration_are_checked_before_the_cluster_is_asked(pods, cluster):
    configure(pods, cluster, pem_keys=[cluster.key.verifying_key().pem().decode()])
    assert attempt(pods, cluster).status == 200
    configure(pods, cluster, pem_keys=[rsa_key("other").verifying_key().pem().decode()])
    asked = len(cluster.reviews)
    assert attempt(pods, cluster).status == 403
    assert len(cluster.reviews) == asked


@pytest.fixture
def local(pods, cluster):
    """The same store, which checks tokens by the cluster's published keys."""
    assert configure(pods, cluster, local_verification=True).status == 204
    return pods


def test_local_verification_asks_nobody_about_a_token(local, cluster):
    for _ in range(3):
        assert attempt(local, cluster).status == 200
    assert cluster.reviews == []
    cluster.service.status = 500
    assert attempt(local, cluster).status == 200


@pytest.mark.parametrize(("way", "logins"), [("pods", 50), ("local", 1000)])
def test_logins_leave_the_storage_as_it_was(request, cluster, way, logins):
    store = request.getfixturevalue(way)
    token = cluster.token("kube-system", "px-account", now=store.clock.now())
    before = store.storage.revision()
    for _ in range(logins):
        assert login(store, LOGIN, role="portworx", jwt=token).status == 200
    assert store.storage.revision() == before


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": ["https://elsewhere"]}, id="meant for somebody else"),
        pytest.param({"aud": None}, id="meant for nobody"),
        pytest.param({"exp": None}, id="without an end"),
        pytest.param({"exp": 1}, id="expired"),
    ],
)
def test_local_verification_refuses(local, cluster, changes):
    assert attempt(local, cluster, **changes).status == 403


def test_local_verification_refuses_what_another_signed(local, cluster):
    now = int(local.clock.now())
    claims = {
        "iss": ISSUER,
        "aud": [ISSUER],
        "exp": now + 600,
        "kubernetes.io": {
            "namespace": "kube-system",
            "serviceaccount": {"name": "px-account", "uid": "u"},
        },
    }
    forged = write_compact(claims, type(cluster.key).generate(key_id=cluster.key.key_id))
    assert login(local, LOGIN, role="portworx", jwt=forged).status == 403
    legacy = cluster.legacy_token("kube-system", "px-account")
    assert login(local, LOGIN, role="portworx", jwt=legacy).status == 403


def test_local_verification_with_an_audience_of_the_role(local, cluster):
    write(local, "kubernetes/role/portworx", audience="vault")
    assert attempt(local, cluster, audience="vault").status == 200
    assert attempt(local, cluster).status == 403


def test_a_mistake_in_local_verification_shows_at_once(pods, cluster):
    cluster.service.pages.pop("/openid/v1/jwks")
    answer = configure(pods, cluster, local_verification=True)
    assert "no login will work yet" in answer.json["warnings"][0]
    assert attempt(pods, cluster).status == 503


def test_the_issuer_is_checked_if_asked_for(pods, cluster):
    configure(pods, cluster, issuer="https://other", disable_iss_validation=False)
    assert attempt(pods, cluster).status == 403
    configure(pods, cluster, issuer=ISSUER, disable_iss_validation=False)
    assert attempt(pods, cluster).status == 200


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({}, "no host provided", id="no host"),
        pytest.param(
            {"kubernetes_host": "http://10.0.0.1"}, "plain http is accepted for loopback", id="http"
        ),
        pytest.param(
            {"kubernetes_host": "https://a", "kubernetes_ca_cert": "x"}, "CA certificate", id="no CA"
        ),
        pytest.param(
            {"kubernetes_host": "https://a", "disable_local_ca_jwt": True},
            "kubernetes_ca_cert must be given when disable_local_ca_jwt is true",
            id="no CA at all",
        ),
        pytest.param({"kubernetes_host": "https://a", "pem_keys": "x"}, "pem_keys: expected", id="no key"),
        pytest.param(
            {"kubernetes_host": "https://a", "token_reviewer_jwt": "a\nb"},
            "token_reviewer_jwt",
            id="two lines",
        ),
        pytest.param(
            {"kubernetes_host": "https://a", "disable_iss_validation": False}, "issuer: expected", id="issuer"
        ),
    ],
)
def test_a_configuration_is_refused(store, fields, refusal):
    enable(store, "kubernetes")
    answer = store.vault("POST", "auth/kubernetes/config", fields, token=store.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]
    answer = login(store, LOGIN, role="x", jwt="x")
    assert (answer.status, "not configured" in answer.errors[0]) == (400, True)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        pytest.param({"bound_service_account_names": ""}, "names: expected at least one", id="no name"),
        pytest.param({"bound_service_account_namespaces": []}, "namespaces: expected", id="no namespace"),
        pytest.param({"bound_service_account_names": "*,a"}, "to stand alone", id="everything and more"),
        pytest.param({"alias_name_source": "x"}, "alias_name_source: expected", id="alias"),
        *(
            pytest.param({SELECTOR: text}, "namespace_selector: expected", id=f"selector-{name}")
            for name, text in {
                "empty": "{}",
                "none": "[1]",
                "no yaml": "{a: [",
                "other fields": '{"matchNames": ["a"]}',
                "other operator": "matchExpressions: [{key: a, operator: Is, values: [b]}]",
                "no values": "matchExpressions: [{key: a, operator: In}]",
                "needless values": "matchExpressions: [{key: a, operator: Exists, values: [b]}]",
                "no text": "matchLabels: {a: 1}",
                "huge": "matchLabels: {a: " + "b" * 5000 + "}",
                "code": "!!python/object/apply:os.getcwd []",
            }.items()
        ),
    ],
)
def test_a_role_is_refused(pods, fields, refusal):
    answer = pods.vault("POST", "auth/kubernetes/role/portworx", fields, token=pods.root)
    assert answer.status == 400
    assert refusal in answer.errors[0]


@pytest.mark.parametrize(
    ("selector", "labels", "gets_in"),
    [
        pytest.param('{"matchLabels": {"team": "blue"}}', {"team": "blue"}, True, id="label"),
        pytest.param("matchLabels: {team: blue}", {"team": "red"}, False, id="another value"),
        pytest.param("matchLabels: {team: blue}", {}, False, id="no label"),
        pytest.param("matchLabels: {team: blue, tier: db}", {"team": "blue"}, False, id="one of two"),
        pytest.param("matchExpressions: [{key: t, operator: In, values: [a, b]}]", {"t": "b"}, True, id="in"),
        pytest.param("matchExpressions: [{key: t, operator: In, values: [a]}]", {}, False, id="in nothing"),
        pytest.param(
            "matchExpressions: [{key: t, operator: NotIn, values: [a]}]", {"t": "a"}, False, id="not in"
        ),
        pytest.param("matchExpressions: [{key: t, operator: NotIn, values: [a]}]", {}, True, id="not there"),
        pytest.param("matchExpressions: [{key: t, operator: Exists}]", {"t": ""}, True, id="exists"),
        pytest.param("matchExpressions: [{key: t, operator: DoesNotExist}]", {"t": "x"}, False, id="may not"),
    ],
)
@pytest.mark.parametrize("local", [pytest.param(False, id="review"), pytest.param(True, id="keys")])
def test_a_namespace_is_authorised_by_its_labels(pods, cluster, selector, labels, gets_in, local):
    configure(pods, cluster, local_verification=local)
    path = "kubernetes/role/portworx"
    write(pods, path, **{SELECTOR: selector, "bound_service_account_namespaces": ""})
    assert read(pods, path)[SELECTOR] == selector
    cluster.label("shop", **labels)
    answer = attempt(pods, cluster, namespace="shop")
    assert answer.status == (200 if gets_in else 403), answer.body


def test_labels_are_asked_for_once_the_token_is_good_and_only_then(pods, cluster):
    write(pods, "kubernetes/role/portworx", **{SELECTOR: "matchLabels: {team: blue}"})
    cluster.label("shop", team="blue")
    late = cluster.token("shop", "px-account", now=pods.clock.now())
    cluster.accounts.pop(("shop", "px-account"))
    assert login(pods, LOGIN, role="portworx", jwt=late).status == 403
    assert attempt(pods, cluster, namespace="shop", name="other").status == 403
    assert attempt(pods, cluster, namespace="../kube-system").status == 403
    assert attempt(pods, cluster).status == 200  # its namespace is one by name
    assert [path for method, path in cluster.service.asked if method == "GET"] == []
    assert attempt(pods, cluster, namespace="shop").status == 200
    assert cluster.service.asked[-1] == ("GET", "/api/v1/namespaces/shop")


def test_a_cluster_that_shows_no_labels_lets_nobody_in(pods, cluster):
    write(pods, "kubernetes/role/portworx", **{SELECTOR: "matchLabels: {team: blue}"})
    assert attempt(pods, cluster, namespace="nowhere").status == 403
    cluster.label("shop", team="blue")
    cluster.service.pages["/api/v1/namespaces/shop"] = {
        "metadata": {"name": "other", "labels": {"team": "blue"}}
    }
    assert attempt(pods, cluster, namespace="shop").status == 403
    cluster.service.pages["/api/v1/namespaces/shop"] = lambda *_: (500, {})
    assert attempt(pods, cluster, namespace="shop").status == 503


def test_the_reviewer_is_asked_with_its_own_token(pods, cluster):
    assert attempt(pods, cluster).status == 200
    cluster.accounts.pop(tuple(REVIEWER.split(":")[2:]))
    assert attempt(pods, cluster).status == 403
