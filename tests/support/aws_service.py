"""KMS and Secrets Manager on loopback: moto's server, told to check signatures and policies."""

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto.server import ThreadedMotoServer
from tests.support.s3_service import MAKER, REGION, S3Account, _count_from_now_on

ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["kms:*", "secretsmanager:*"], "Resource": "*"}],
}


@dataclass(frozen=True)
class AwsService:
    """The service, with one key of KMS.

    Attributes:
        url: where it listens.
        cmk: id of the key.
        owner: keys that may do everything.
        stranger: good keys that may do nothing.
    """

    url: str
    cmk: str
    owner: S3Account
    stranger: S3Account

    def options(self, who: S3Account | None = None, **changes: str) -> dict[str, str]:
        """Return the settings of a provider, as one of the two."""
        who = who or self.owner
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_CMK": self.cmk,
            "AWS_ACCESS_KEY_ID": who.access_key,
            "AWS_SECRET_ACCESS_KEY": who.secret_key,
            **changes,
        }

    def client(self, service: str):
        """Return a client of an administrator."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.owner.access_key,
            aws_secret_access_key=self.owner.secret_key,
        )


@contextmanager
def aws_service():
    """Run the service for the length of a block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        _count_from_now_on(host, port, None)
        url = f"http://{host}:{port}"
        owner, stranger = _account(url, "owner", ALLOWED), _account(url, "stranger", None)
        cmk = boto3.client("kms", endpoint_url=url, **MAKER).create_key()["KeyMetadata"]["KeyId"]
        _count_from_now_on(host, port, 0)
        yield AwsService(url, cmk, owner, stranger)
        _count_from_now_on(host, port, None)
    finally:
        server.stop()


def _account(url, name, policy):
    iam = boto3.client("iam", endpoint_url=url, **MAKER)
    iam.create_user(UserName=name)
    if policy:
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return S3Account(key["AccessKeyId"], key["SecretAccessKey"])
