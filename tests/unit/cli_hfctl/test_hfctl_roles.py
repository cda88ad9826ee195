"""A role file can be judged before it is stored, without a node."""

import json

import pytest


@pytest.fixture
def role_file(tmp_path):
    def write(role):
        path = tmp_path / "role.json"
        path.write_text(role if isinstance(role, str) else json.dumps(role))
        return f"--role-config={path}"

    return write


READER = {"name": "reader", "rules": [{"services": ["volume"], "apis": ["inspect*", "!inspectwithfilters"]}]}


def test_a_role_file_is_judged_locally(hfctl, role_file):
    words = ["--call=volume.inspect", "--call=Volume.InspectWithFilters", "--call=volume.delete", "--local"]
    code, out, err = hfctl("role", "test", role_file(READER), *words)
    rows = [line.split()[:3] for line in out.splitlines()[2:]]
    assert (code, err) == (0, "")
    assert rows == [
        ["volume", "inspect", "allowed"],
        ["volume", "inspectwithfilters", "refused"],
        ["volume", "delete", "refused"],
    ]
    assert "role reader, rule 1" in out


def test_without_a_call_all_that_is_allowed_is_shown(hfctl):
    code, out, _ = hfctl("role", "test", "system.view", "--local", "--allowed", "-j")
    allowed = {(c["service"], c["method"]) for c in json.loads(out)["results"] if c["allowed"]}
    assert code == 0
    assert {("role", "inspect"), ("volume", "stats"), ("identity", "version")} <= allowed
    assert ("volume", "create") not in allowed


def test_what_matches_nothing_is_told(hfctl, role_file):
    role = {"name": "typo", "rules": [{"services": ["volumes"], "apis": ["*"]}]}
    code, out, err = hfctl("role", "test", role_file(role), "--call=volume.create", "--local")
    assert code == 0
    assert "did you mean volume?" in err
    assert "refused" in out


@pytest.mark.parametrize(
    ("role", "text"),
    [
        pytest.param("canary", "JSON file", id="no-json"),
        pytest.param([], "JSON object", id="no-object"),
        pytest.param({"name": "a"}, "rules", id="no-rules"),
        pytest.param({"name": "a/b", "rules": READER["rules"]}, "no slash", id="slash-in-the-name"),
        pytest.param(
            {"name": "a", "rules": [], "canary": 1}, "no key in a role but name, rules", id="misspelt-key"
        ),
        pytest.param(
            {"name": "a", "rules": [*READER["rules"], {"canary": ["volume"], "apis": ["*"]}]},
            "no key in rule 2 but services, apis, scope",
            id="misspelt-key-of-a-rule",
        ),
        pytest.param(
            {"name": "a", "rules": [{**READER["rules"][0], "scope": {"canary": {"team": "blue"}}}]},
            "no key in the scope of rule 1 but labels; correct the file",
            id="misspelt-key-of-a-scope",
        ),
        pytest.param(
            '{"name": "a", "name": "canary", "rules": []}', "each key of an object once", id="twice"
        ),
    ],
)
def test_what_is_no_role_is_said(hfctl, role_file, role, text):
    code, _, err = hfctl("role", "test", role_file(role), "--local")
    assert (code, text in err, "canary" in err) == (1, True, False)


@pytest.mark.parametrize("words", [(), ("a", "--call=volume"), ("a", "--call=.create")])
def test_what_is_asked_must_be_clear(hfctl, words):
    assert hfctl("role", "test", "--local", *words)[0] == 1


SCOPED = {
    "name": "blue",
    "rules": [{"services": ["volume"], "apis": ["*"], "scope": {"labels": {"team": "blue"}}}],
}


@pytest.mark.parametrize(
    ("words", "result"),
    [
        pytest.param([], "allowed", id="with-some-volume"),
        pytest.param(["--label=team=blue", "--label=x=y"], "allowed", id="in-scope"),
        pytest.param(["--label=team=red"], "refused", id="out-of-scope"),
    ],
)
def test_a_scope_is_judged_locally(hfctl, role_file, words, result):
    code, out, _ = hfctl("role", "test", role_file(SCOPED), "--call=volume.delete", "--local", *words)
    assert (code, out.splitlines()[-1].split()[2]) == (0, result)


def test_a_scope_that_cannot_be_is_said(hfctl, role_file):
    wide = {"name": "blue", "rules": [{**SCOPED["rules"][0], "services": ["*"]}]}
    code, _, err = hfctl("role", "test", role_file(wide), "--local")
    assert (code, "rule 1, scope: expected none" in err) == (1, True)
