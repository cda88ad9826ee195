"""A provider that cannot be opened yet, or was logged in to by hand, is used as soon as it can be."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers import (
    CredentialExpiredError,
    NoCredentialError,
    ProviderSlot,
    ProviderStatus,
    ProviderUnavailableError,
    SecretRef,
)
from holdfast.providers.file import FileProvider
from holdfast.providers.interface import Reason

REF = SecretRef("k")


class World:
    """Opens providers of type dcos, if nothing stands in the way."""

    def __init__(self, directory):
        self.directory = directory
        self.trouble = None
        self.opened = []
        self.status = None

    def open(self, settings):
        if self.trouble is not None:
            raise self.trouble
        provider = FileProvider(self.directory / "s")
        provider.closed, provider.settings = False, dict(settings)
        provider.close = lambda: setattr(provider, "closed", True)
        if self.status is not None:
            provider.status = lambda: self.status
        self.opened.append(provider)
        return provider

    def slot(self):
        slot = ProviderSlot("dcos", self.open)
        slot._try_again_at = 0.0  # as if time had passed
        return slot


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.mark.parametrize(
    ("trouble", "kind", "reason", "text"),
    [
        (
            NoCredentialError("no user"),
            CredentialExpiredError,
            Reason.REFUSED,
            "no user; configure it, or log in",
        ),
        (ProviderUnavailableError("away"), ProviderUnavailableError, Reason.AWAY, "away"),
    ],
    ids=["no-credential", "away"],
)
def test_what_is_missing_at_the_start_is_said_and_used_once_it_is_there(world, trouble, kind, reason, text):
    world.trouble = trouble
    slot = world.slot()
    for _ in range(2):
        with pytest.raises(kind, match=text):
            slot.get(REF)
    status = slot.status()
    assert (status.usable, status.reason) == (False, reason)
    assert text in status.problem
    world.trouble, slot._try_again_at = None, 0.0
    slot.put(REF, SecretBytes(b"v"))
    assert slot.get(REF).value.reveal() == b"v"
    assert slot.status().usable


def test_it_is_not_tried_at_every_call(world):
    world.trouble = ProviderUnavailableError("away")
    slot = world.slot()
    with pytest.raises(ProviderUnavailableError):
        slot.get(REF)
    world.trouble = None
    with pytest.raises(ProviderUnavailableError):
        slot.get(REF)
    assert world.opened == []


def test_a_mistake_in_the_settings_keeps_the_node_from_starting(world):
    world.trouble = InvalidInputError("malformed")
    with pytest.raises(InvalidInputError):
        world.slot()


def test_a_login_counts_at_once_masks_what_is_configured_and_lets_go_of_the_old_one_later(world):
    slot = world.slot()
    first = world.opened[0]
    slot.log_in({"DCOS_SECRETS_USERNAME": "u", "DCOS_SECRETS_PASSWORD": "p"})
    second = world.opened[1]
    assert second.settings["DCOS_SECRETS_PASSWORD"] == "p"
    assert second.settings["DCOS_SECRETS_PASSWORD_FILE"] == ""
    assert not first.closed
    slot.log_in({"DCOS_SECRETS_USERNAME": "u", "DCOS_SECRETS_PASSWORD": "p"})
    assert (first.closed, second.closed) == (True, False)
    assert "the login ends with this node's process" in slot.status().notes[-1]
    slot.close()
    assert all(provider.closed for provider in world.opened)
    with pytest.raises(ProviderUnavailableError, match="stopping"):
        slot.get(REF)


def test_a_login_that_is_refused_changes_nothing(world):
    slot = world.slot()
    slot.put(REF, SecretBytes(b"v"))
    world.status = ProviderStatus(kind="dcos", place="", usable=False, problem="no", reason=Reason.REFUSED)
    with pytest.raises(CredentialExpiredError, match="Not authenticated with the secrets endpoint: no"):
        slot.log_in({"DCOS_SECRETS_USERNAME": "u", "DCOS_SECRETS_PASSWORD": "p"})
    assert world.opened[-1].closed
    assert slot.get(REF).value.reveal() == b"v"
    with pytest.raises(InvalidInputError, match="SecretConfig: 1 unknown settings") as caught:
        slot.log_in({"DCOS_SECRETS_PASSWORD_FILE": "canary"})
    assert "canary" not in caught.value.message
