"""Signature Version 4: the worked examples that AWS publishes for S3, to the last digit."""

from datetime import UTC, datetime

import pytest

from holdfast.client.signature_v4 import AwsKeys, canonical_query, signed_headers
from holdfast.model import SecretBytes

KEYS = AwsKeys(
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret_key=SecretBytes(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    region="us-east-1",
)
HOST = "examplebucket.s3.amazonaws.com"
NOW = datetime(2013, 5, 24, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        pytest.param(
            "GET",
            "/test.txt",
            {},
            {"Range": "bytes=0-9"},
            b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            id="object-with-a-range",
        ),
        pytest.param(
            "PUT",
            "/test%24file.text",
            {},
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            id="object-with-a-body-and-a-sign-in-its-name",
        ),
        pytest.param(
            "GET",
            "/",
            {"lifecycle": ""},
            {},
            b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="parameter-without-a-value",
        ),
        pytest.param(
            "GET",
            "/",
            {"prefix": "J", "max-keys": "2"},
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="parameters-in-another-order",
        ),
    ],
)
def test_published_examples(method, path, query, headers, body, signature):
    headers = signed_headers(
        KEYS, method, HOST, path, canonical_query(query), now=NOW, body=body, headers=headers
    )
    assert headers["Authorization"].endswith(f"Signature={signature}")
    assert headers["x-amz-date"] == "20130524T000000Z"


def test_the_secret_is_in_nothing_that_is_sent_or_shown():
    sent = signed_headers(KEYS, "GET", HOST, "/", now=NOW)
    assert "wJalrXUtnFEMI" not in repr(sent) + repr(KEYS)


def test_blanks_and_signs_in_a_query_are_encoded_the_same_way_for_signing_and_sending():
    assert canonical_query({"a b": "c/d+e", "~": "é"}) == "a%20b=c%2Fd%2Be&~=%C3%A9"
