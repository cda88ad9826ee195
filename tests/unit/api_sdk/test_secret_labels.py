"""Who wants encryption by a label of Portworx's tools gets it, by a secret that he may name, or nothing."""

import pytest
from tests.support.node_under_test import new_node, release
from tests.support.sdk_face import SIZE, Face

from holdfast.providers import SecretRef
from holdfast.providers.generate import random_key


@pytest.fixture
def face(tmp_path):
    under_test = new_node(tmp_path, any_secret=False)
    for name in ("users/alice/key", "users/bob/key"):
        under_test.provider.put(SecretRef(name), random_key())
    made = Face(under_test)
    yield made
    made.dialect.close()
    release(under_test)


def create(face, labels):
    body = {"name": "vol1", "spec": {"size": SIZE}, "labels": labels}
    return face("POST", "/v1/volumes", body, token=face.t.token("alice"))


@pytest.mark.parametrize("label", ["SECRET_NAME", "px/secret-name", "secret_key"])
def test_a_secret_that_only_a_label_names_opens_the_volume(face, label):
    assert create(face, {label: "users/alice/key"}).status == 200
    answer = face("GET", "/v1/volumes/inspect/vol1", token=face.t.token("alice")).json["volume"]
    assert answer["spec"]["encrypted"] is True
    assert answer["holdfast"]["key"]["name"] == "users/alice/key"


@pytest.mark.parametrize("label", ["SECRET_NAME", "px/secret-name", "secret_key"])
def test_a_label_names_no_secret_that_the_caller_may_not(face, label):
    refused = create(face, {label: "users/bob/key"})
    assert (refused.status, refused.json["details"][0]["metadata"]["gate"]) == (403, "secret")
    assert face("GET", "/v1/volumes", token=face.t.admin).json == {}
