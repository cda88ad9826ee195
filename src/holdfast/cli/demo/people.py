"""The people of the demo: user files, a signing secret, and the tokens that ``hfctl`` makes from them."""

from secrets import token_urlsafe

from holdfast.cli.demo.stage import ISSUER, Stage

ADMIN, USER_ONE, USER_TWO = "admin", "one", "two"
SECRET_BYTES = 48

_USER_FILES = {
    ADMIN: 'name: Storage Administrator\nemail: admin@demo.holdfast\nsub: admin@demo.holdfast\nroles: ["system.admin"]\ngroups: ["*"]\n',
    USER_ONE: 'name: User One\nemail: one@demo.holdfast\nsub: one@demo.holdfast\nroles: ["system.user"]\ngroups: ["team-one"]\n',
    USER_TWO: 'name: User Two\nemail: two@demo.holdfast\nsub: two@demo.holdfast\nroles: ["system.user"]\ngroups: ["team-two"]\n',
}


def make_people(stage: Stage) -> None:
    """Write the user files and make everybody's token; besides, one that has expired and one that is forged."""
    stage.signing_secret = stage.signing_secret or token_urlsafe(SECRET_BYTES)
    for name, content in _USER_FILES.items():
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
        "--shared-secret-file=-",
        f"--token-duration={duration}",
        stdin=secret,
    )
