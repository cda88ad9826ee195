"""The people of the demo: user files, a signing secret, and the tokens that ``hfctl`` makes from them."""

from secrets import token_urlsafe

from holdfast.cli.demo.stage import ADMIN, ISSUER, USER_ONE, USER_TWO, Stage

SECRET_BYTES = 48

_USER_FILE = """name: {name}
email: {sub}@demo.holdfast
sub: {sub}@demo.holdfast
roles: ["{role}"]
groups: ["{group}"]
"""
_PEOPLE = {
    ADMIN: _USER_FILE.format(name="Storage Administrator", sub="admin", role="system.admin", group="*"),
    USER_ONE: _USER_FILE.format(name="User One", sub="one", role="system.user", group="team-one"),
    USER_TWO: _USER_FILE.format(name="User Two", sub="two", role="system.user", group="team-two"),
}


def make_people(stage: Stage) -> None:
    """Write the user files and make everybody's token, and besides an expired and a forged one."""
    stage.signing_secret = stage.signing_secret or token_urlsafe(SECRET_BYTES)
    for name, content in _PEOPLE.items():
        (stage.directory / f"{name}.yaml").write_text(content)
        stage.tokens[name] = _generate(stage, name, stage.signing_secret, "1h")
    stage.tokens["expired"] = _generate(stage, USER_ONE, stage.signing_secret, "0s")
    stage.tokens["forged"] = _generate(stage, USER_ONE, token_urlsafe(SECRET_BYTES), "1h")


def _generate(stage: Stage, user: str, secret: str, duration: str) -> str:
    return stage.hfctl(
        "auth",
        "token",
        "generate",
        f"--auth-config={stage.directory / user}.yaml",
        f"--issuer={ISSUER}",
        "--shared-secret-file=/proc/self/fd/0",
        f"--token-duration={duration}",
        secret=secret,
    )
