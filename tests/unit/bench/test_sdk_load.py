"""The benchmark of the SDK counts calls that were answered, by a node as it is and by one without gates."""

import secrets

import pytest
from bench import sdk
from bench.http2 import Load


@pytest.mark.parametrize("kind", ["gated", "open"])
def test_calls_that_are_answered_count_and_refusals_end_the_measurement(tmp_path, kind):
    secret = secrets.token_hex(32)
    with sdk._node(tmp_path, kind, secret) as (port, _):
        load = Load(port, sdk.METHOD, sdk._token(secret), 2)
        try:
            done, seconds = load.run(0.1)
        finally:
            load.close()
        assert (done >= 2, seconds > 0) == (True, True)
        load = Load(port, sdk.METHOD.replace("Version", "Nothing"), sdk._token(secret), 2)
        try:
            with pytest.raises(RuntimeError, match="refused"):
                load.run(0.1)
        finally:
            load.close()
