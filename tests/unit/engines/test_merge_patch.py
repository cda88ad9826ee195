"""The examples of RFC 7396, appendix A, that have an object on both sides, and ours."""

import json

import pytest

from holdfast.engines.kv2.merge_patch import merge_patch


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
        pytest.param('{"a":[1]}', '{"a":{"b":1}}', '{"a":{"b":1}}', id="object over list"),
        pytest.param(
            '{"a":{"x":[{"y":null}]}}', '{"a":{"z":1}}', '{"a":{"x":[{"y":null}],"z":1}}', id="list kept"
        ),
        pytest.param('{"a":1}', "{}", '{"a":1}', id="empty patch"),
        pytest.param('{ "a" : 1 }', '{ "b" : { } }', '{"a":1,"b":{}}', id="blanks"),
    ],
)
def test_rfc_7396(target, patch, result):
    assert json.loads(merge_patch(target.encode(), patch.encode())) == json.loads(result)


def test_numbers_keep_their_digits():
    merged = merge_patch(
        b'{"n":1.10,"in":{"big":123456789012345678901234567890}}', b'{"in":{"e":1E400},"m":2.50}'
    )
    assert merged == b'{"n":1.10,"in":{"big":123456789012345678901234567890,"e":1E400},"m":2.50}'


def test_objects_may_nest_as_deep_as_documents_may():
    target = b'{"a":' * 63 + b"1" + b"}" * 63
    patch = b'{"a":' * 63 + b"2" + b"}" * 63
    assert merge_patch(target, patch) == patch
