"""Stories for the KV part of the Vault API, told to a real server in plain HTTP: what each request answers.

``{p}`` in a path is a name that no other story of the file uses, on ``secret/`` (version 2) and on the mounts
with settings of their own that the file names.
"""

import http.client
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.store_process import StoreProcess
from tests.support.store_talk import Answer, ask_on, connect

Check = Callable[[Answer], None]
Step = tuple[str, str, Any, int, Check]

MERGE = "application/merge-patch+json"
PATCH_HEADERS = {"Content-Type": MERGE}

CAS_MISMATCH = "check-and-set parameter did not match the current version"
CAS_REQUIRED = "check-and-set parameter required for this call"
DATA = {"data": {"k": "v"}}


def empty(answer: Answer) -> None:
    """A 204 without a body: hvac and the Go client tell it from a 200 by that."""
    assert answer.body == b""


def anything(_: Answer) -> None:
    """What it says is the subject of another story."""


def nothing_there(answer: Answer) -> None:
    assert answer.json == {"errors": []}


def errors(*texts: str) -> Check:
    def check(answer: Answer) -> None:
        assert answer.json == {"errors": list(texts)}

    return check


def error_about(word: str) -> Check:
    """A refusal in our own words, about this field."""

    def check(answer: Answer) -> None:
        assert word in answer.json["errors"][0]

    return check


def data(**members: Any) -> Check:
    """An envelope with all its members, whose data have these; ``...`` stands for any value."""

    def check(answer: Answer) -> None:
        document = answer.json
        assert set(document) == {
            "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth"
        }  # fmt: skip
        assert answer.headers["Content-Type"] == "application/json"
        _contains(document["data"], members)

    return check


def _contains(found: Any, wanted: Any) -> None:
    if wanted is ...:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        assert set(wanted) <= set(found)
        for name, member in wanted.items():
            _contains(found[name], member)
    else:
        assert found == wanted


def exactly(text: str) -> Check:
    """The answer has this text in it, byte for byte."""

    def check(answer: Answer) -> None:
        assert text.encode() in answer.body

    return check


def warned(text: str) -> Check:
    def check(answer: Answer) -> None:
        assert (answer.json["data"], answer.json["warnings"]) == (None, [text])

    return check


def at(version: int, **more: Any) -> dict[str, Any]:
    """Return metadata of a live version."""
    return {"version": version, "destroyed": False, "deletion_time": "", **more}


def gone(version: int, **more: Any) -> Check:
    """The 404 of a version that was deleted or destroyed: a whole envelope, with its metadata and no data."""
    return data(data=None, metadata={"version": version, **more})


WRITE: Step = ("PUT", "secret/data/{p}", DATA, 200, data(version=1))
AGAIN: Step = ("PUT", "secret/data/{p}", {"data": {"k": "w"}}, 200, data(version=2))
DELETE: Step = ("DELETE", "secret/data/{p}", None, 204, empty)


@dataclass(frozen=True)
class Story:
    """Steps that are taken one after the other, about a name that is theirs alone."""

    title: str
    steps: Sequence[Step]

    @property
    def name(self) -> str:
        """What stands for ``{p}``."""
        return re.sub(r"\W+", "-", self.title)


def stories(told: Mapping[str, Sequence[Step]]) -> list[Any]:
    """Return the stories as parameters of one test, each with its title as id."""
    return [pytest.param(Story(title, steps), id=title) for title, steps in told.items()]


class Talk:
    """One connection to the server, as root."""

    def __init__(self, store: StoreProcess) -> None:
        self.connection = connect(store)
        self.headers = {"X-Vault-Token": store.root_token}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        more = PATCH_HEADERS if method == "PATCH" else {}
        try:
            return ask_on(self.connection, method, f"/v1/{path}", body, headers=self.headers | more)
        except http.client.HTTPException:
            self.connection.close()  # the next story gets a new one
            raise

    def tell(self, story: Story) -> None:
        """Take the steps of a story one after the other; fail at the first that is not answered so."""
        for number, (method, path, body, status, check) in enumerate(story.steps, 1):
            answer = self.ask(method, path.replace("{p}", story.name), body)
            where = f"step {number}: {method} {path}: {answer.status} {answer.body.decode()[:500]}"
            assert answer.status == status, where
            try:
                check(answer)
            except (AssertionError, KeyError, json.JSONDecodeError) as error:
                raise AssertionError(where) from error
