"""A cluster in which not every node looks at tokens is reported so that nobody misses it."""

import pytest

from holdfast.cli.hfctl.status import security_of, warnings_about


def nodes(*words):
    return [{"id": f"node-{number}", "security_status": word} for number, word in enumerate(words, 1)]


@pytest.mark.parametrize(
    ("found", "word", "warned"),
    [
        pytest.param(nodes("SECURED"), "secured", "", id="one"),
        pytest.param(nodes("SECURED", "SECURED_ALLOW_SECURITY_REMOVAL"), "secured", "", id="removal-allowed"),
        pytest.param(nodes("SECURED", "UNSECURED"), "MIXED", "NOT SECURE: node-2 of 2", id="mixed"),
        pytest.param(nodes("SECURED", "UNSPECIFIED"), "MIXED", "NOT SECURE: node-2", id="one-says-nothing"),
        pytest.param([*nodes("SECURED"), {"id": "x"}], "MIXED", "NOT SECURE: x of 2", id="nothing-at-all"),
        pytest.param(
            [*nodes("SECURED"), {"id": "x", "status": "STATUS_OFFLINE"}], "secured", "", id="one-that-is-away"
        ),
        pytest.param(nodes("UNSECURED", "UNSECURED"), "unsecured", "no node looks at tokens", id="none"),
    ],
)
def test_security_of_a_cluster(found, word, warned):
    assert security_of(found) == word
    said = " ".join(warnings_about(found))
    assert warned in said
    assert bool(said) == bool(warned)
