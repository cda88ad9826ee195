"""Client Terraform and OpenTofu provider: it writes what is wanted, reads it back, and must see no drift."""

import pytest
from tests.support.go_client import GoClient, done
from tests.support.local_store import StoreUnderTest

AGENT = "HashiCorp Terraform/1.9.5 (+https://www.terraform.io) Terraform Plugin SDK/2.31.0"
POLICY = 'path "secret/*" {\n  capabilities = ["read"]\n}\n'


@pytest.fixture
def store():
    store = StoreUnderTest()
    store.initialize()
    return store


@pytest.fixture
def provider(store):
    """It looks at its token and at the version, and works with a child token of twenty minutes."""
    client = GoClient(store, store.root, agent=AGENT)
    done(client.read("auth/token/lookup-self"), 200)
    assert done(client.read("sys/seal-status"), 200).json["version"].startswith("1.")
    child = client.post(
        "auth/token/create",
        {
            "ttl": "1200s",
            "explicit_max_ttl": "1200s",
            "renewable": False,
            "display_name": "terraform",
            "num_uses": 0,
        },
    )
    client.token = done(child, 200).auth["client_token"]
    return client


def test_the_child_token_ends_by_itself_and_cannot_be_renewed(provider):
    about = done(provider.read("auth/token/lookup-self"), 200).data
    assert (about["explicit_max_ttl"], about["renewable"], about["display_name"]) == (
        1200,
        False,
        "token-terraform",
    )
    assert about["policies"] == ["root"]


def test_a_mount_is_read_back_as_it_was_written(provider):
    wanted = {
        "type": "kv",
        "description": "of the team",
        "config": {
            "default_lease_ttl": "3600s",
            "max_lease_ttl": "7200s",
            "audit_non_hmac_request_keys": ["a"],
            "passthrough_request_headers": ["X-Team"],
            "listing_visibility": "hidden",
        },
        "local": True,
        "seal_wrap": True,
        "external_entropy_access": False,
        "options": {"version": "2"},
    }
    done(provider.post("sys/mounts/team", wanted))
    for mount in (provider.read("sys/mounts").data["team/"], provider.read("sys/mounts/team").data):
        assert mount["description"] == "of the team"
        assert (mount["local"], mount["seal_wrap"], mount["external_entropy_access"]) == (True, True, False)
        assert mount["options"] == {"version": "2"}
        config = mount["config"]
        assert (config["default_lease_ttl"], config["max_lease_ttl"]) == (3600, 7200)
        assert config["audit_non_hmac_request_keys"] == ["a"]
        assert config["passthrough_request_headers"] == ["X-Team"]
        assert config["listing_visibility"] == "hidden"


def test_a_mount_keeps_its_uuid_and_accessor_when_it_is_tuned(provider):
    provider.post("sys/mounts/team", {"type": "kv", "options": {"version": "1"}})
    before = provider.read("sys/mounts/team").data
    change = {
        "default_lease_ttl": "60s",
        "max_lease_ttl": "120s",
        "description": "new",
        "options": {"version": "1"},
    }
    done(provider.post("sys/mounts/team/tune", change))
    after = provider.read("sys/mounts/team").data
    assert (after["uuid"], after["accessor"]) == (before["uuid"], before["accessor"])
    assert (after["description"], after["config"]["default_lease_ttl"]) == ("new", 60)
    assert provider.read("sys/mounts/team/tune").data["max_lease_ttl"] == 120


def test_a_policy_comes_back_to_the_letter(provider):
    done(provider.write("sys/policies/acl/team", {"policy": POLICY}))
    assert done(provider.read("sys/policies/acl/team"), 200).data == {"name": "team", "policy": POLICY}
    done(provider.delete("sys/policies/acl/team"))
    assert provider.read("sys/policies/acl/team").status == 404


def test_an_auth_method_and_its_role_come_back_as_they_were_written(provider):
    done(provider.post("sys/auth/machines", {"type": "approle", "description": "d", "config": {}}))
    assert provider.read("sys/auth").data["machines/"]["description"] == "d"
    tune = {"default_lease_ttl": "1800s", "max_lease_ttl": "3600s", "token_type": "default-service"}
    done(provider.post("sys/mounts/auth/machines/tune", tune))
    tuned = done(provider.read("sys/mounts/auth/machines/tune"), 200).data
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (1800, 3600)
    role = {
        "bind_secret_id": True,
        "token_policies": ["a", "b"],
        "token_ttl": 600,
        "token_max_ttl": 1200,
        "token_num_uses": 3,
        "secret_id_ttl": 300,
        "token_bound_cidrs": ["10.0.0.0/8"],
        "token_no_default_policy": True,
        "token_type": "service",
    }
    done(provider.write("auth/machines/role/ci", role))
    read = done(provider.read("auth/machines/role/ci"), 200).data
    assert {name: read[name] for name in role} == role
    assert done(provider.read("auth/machines/role/ci/role-id"), 200).data["role_id"]
    done(provider.delete("auth/machines/role/ci"))
    assert provider.read("auth/machines/role/ci").status == 404


def test_a_secret_is_written_and_compared(provider):
    done(provider.read("sys/internal/ui/mounts/secret/app"), 200)
    body = {"data": {"n": 9007199254740993, "s": "x", "nested": {"a": [1, True, None]}}, "options": {}}
    done(provider.post("secret/data/app", body), 200)
    assert done(provider.read("secret/data/app"), 200).data["data"] == body["data"]
    done(provider.post("secret/metadata/app", {"max_versions": 5, "custom_metadata": {"a": "b"}}))
    metadata = done(provider.read("secret/metadata/app"), 200).data
    assert (metadata["max_versions"], metadata["custom_metadata"]) == (5, {"a": "b"})
    done(provider.delete("secret/metadata/app"))
    assert provider.read("secret/data/app").status == 404


def test_what_is_gone_is_seen_as_gone_and_not_as_trouble(provider):
    provider.post("sys/mounts/team", {"type": "kv"})
    done(provider.delete("sys/mounts/team"))
    assert "team/" not in provider.read("sys/mounts").data
    missing = provider.read("sys/mounts/team")
    assert missing.status == 400
    assert "No secret engine mount at" in missing.errors[0]  # what it looks for
    assert "No auth engine at" in provider.read("sys/mounts/auth/nobody/tune").errors[0]
    done(provider.delete("sys/mounts/team"))
    done(provider.delete("sys/policies/acl/never"))


def test_a_token_role_and_a_quota_come_back_as_they_were_written(provider):
    role = {"allowed_policies": ["a"], "orphan": True, "renewable": False, "token_explicit_max_ttl": 60}
    done(provider.write("auth/token/roles/ci", role))
    read = done(provider.read("auth/token/roles/ci"), 200).data
    assert {name: read[name] for name in role} == role
    quota = {"path": "", "rate": 100.5, "interval": 2, "block_interval": 10}
    done(provider.write("sys/quotas/rate-limit/all", quota))
    read = done(provider.read("sys/quotas/rate-limit/all"), 200).data
    assert {name: read[name] for name in quota} == quota
