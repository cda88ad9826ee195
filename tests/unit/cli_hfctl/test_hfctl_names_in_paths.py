"""A name that was typed is one place of a request's path: none leads to another thing or request."""

import pytest


@pytest.mark.parametrize("name", ["a/b", "keys/recovery/vol1", "/a", "a/", "..", "."])
@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("volume inspect {}", "volume"),
        ("volume update {} --label a=b", "volume"),
        ("volume delete {} --force", "volume"),
        ("volume access show {}", "volume"),
        ("volume usage {}", "volume"),
        ("role inspect {}", "role"),
        ("role inspect --name {}", "--name"),
        ("role delete {}", "role"),
        ("storage-policy inspect {}", "policy"),
        ("storage-policy delete {}", "policy"),
        ("sched-policy delete {}", "policy"),
        ("secrets scope delete {}", "name"),
        ("credentials inspect {}", "credential"),
        ("credentials delete --uuid {}", "--uuid"),
        ("cloudsnap history --src {}", "--src"),
        ("cluster pair delete {}", "cluster"),
    ],
)
def test_it_is_refused_here_by_the_word_that_it_was_typed_for(hfctl, line, word, name):
    # Nobody listens there: what is refused is not even sent.
    words = [part.format(name) for part in line.split()]
    code, out, err = hfctl(*words, "--endpoint", "http://127.0.0.1:1")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {word}: expected a name or an id")


def test_what_stands_in_the_body_may_look_like_a_path(hfctl):
    words = ("secrets", "generate", "secrets/generate", "--endpoint", "http://127.0.0.1:1")
    code, _, err = hfctl(*words)
    assert code == 2
    assert err.startswith("Error: no answer from")
