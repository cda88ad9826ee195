"""What a guide takes for granted that goes on where docs/secure-a-cluster.md ends: keys, tokens, contexts."""

NODE = """
PORTWORX_AUTH_JWT_SHAREDSECRET=$(cat keys/shared-secret) \\
HOLDFAST_SECRETS_DIRECTORY=/var/lib/holdfast/secrets \\
    holdfast node -c my-cluster -s /var/lib/holdfast/node -jwt_issuer example.com -secret_type file \\
    --listen 127.0.0.1:9021 --disable-mlock
"""


def make_keys_and_contexts(reader, *, alices_roles="system.user"):
    """Make the key that signs tokens, and contexts for admin, alice and bob; alice's is the current one."""
    reader.type("umask 077; mkdir -p keys; head -c 48 /dev/urandom | base64 -w 0 > keys/shared-secret")
    for name, roles, groups in (
        ("alice", alices_roles, "team"),
        ("bob", "system.user", "team"),
        ("admin", "system.admin", '"*"'),
    ):
        (reader.directory / f"{name}.yaml").write_text(
            f"name: {name}\nemail: {name}@example.com\nsub: {name}\nroles: [{roles}]\ngroups: [{groups}]\n"
        )
        reader.type(
            f"hfctl auth token generate --auth-config={name}.yaml --issuer=example.com"
            f" --shared-secret-file=keys/shared-secret --token-duration=1h --output={name}.token\n"
            f"hfctl context create {name} --token-file={name}.token\n"
            f"rm {name}.token"
        )
