"""A real S3 service on loopback: moto's server, which checks signatures and policies once it is told to."""

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
MAKER = {"region_name": REGION, "aws_access_key_id": "maker", "aws_secret_access_key": "maker"}
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@dataclass(frozen=True)
class S3Account:
    """Keys at the service.

    Attributes:
        access_key: their public name.
        secret_key: the secret.
    """

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class S3Service:
    """The service, with one bucket.

    Attributes:
        host: where it listens.
        port: where it listens.
        bucket: that exists.
        owner: keys that may do everything.
        stranger: good keys that may do nothing.
    """

    host: str
    port: int
    bucket: str
    owner: S3Account
    stranger: S3Account

    @property
    def endpoint(self) -> str:
        return f"{self.host}:{self.port}"


@contextmanager
def s3_service(bucket: str = "backups"):
    """Run the service for the length of a block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        _count_from_now_on(host, port, None)
        url = f"http://{host}:{port}"
        owner, stranger = (_account(url, name, policy) for name, policy in _PEOPLE)
        boto3.client("s3", endpoint_url=url, **MAKER).create_bucket(Bucket=bucket)
        _count_from_now_on(host, port, 0)
        yield S3Service(host, port, bucket, owner, stranger)
        _count_from_now_on(host, port, None)
    finally:
        server.stop()


_PEOPLE = (("owner", EVERYTHING), ("stranger", None))


def _account(url, name, policy):
    iam = boto3.client("iam", endpoint_url=url, **MAKER)
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return S3Account(key["AccessKeyId"], key["SecretAccessKey"])


def _count_from_now_on(host, port, actions):
    """Let so many actions pass without a check; ``None`` for all, after forgetting everything."""
    link = HTTPConnection(host, port, timeout=60)
    try:
        if actions is None:
            link.request("POST", "/moto-api/reset")
        else:
            link.request("POST", "/moto-api/reset-auth", str(actions), {"Content-Type": "text/plain"})
        answer = link.getresponse()
        answer.read()
        assert answer.status == 200
        if actions is None:
            link.request("POST", "/moto-api/reset-auth", "inf", {"Content-Type": "text/plain"})
            answer = link.getresponse()
            answer.read()
            assert answer.status == 200
    finally:
        link.close()
