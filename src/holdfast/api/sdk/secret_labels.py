"""The labels in which Portworx's tools write down whether a volume is encrypted, and by which secret.

    of a StorageClass      secure, secret_key
    of a CSI secret        SECRET_NAME, SECRET_KEY, SECRET_CONTEXT
    PVC annotations        px/secure, px/secret-name, px/secret-key, px/secret-namespace, px/vault-namespace

What an annotation says takes the place of what the others say of the same thing. A name alone means
encryption. Where secrets are entries of objects (Kubernetes), the key is the entry and the name the object.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.errors import InvalidInputError

SECURE, SECRET_KEY = "secure", "secret_key"
CSI_NAME, CSI_KEY, CSI_CONTEXT = "SECRET_NAME", "SECRET_KEY", "SECRET_CONTEXT"
PX_SECURE, PX_NAME, PX_KEY = "px/secure", "px/secret-name", "px/secret-key"
PX_NAMESPACE, PX_VAULT_NAMESPACE = "px/secret-namespace", "px/vault-namespace"
TRUE, FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})

_SECRET_NAME = re.compile(r"[0-9A-Za-z_@./#&+-]+")


@dataclass(frozen=True, slots=True)
class SaidOfEncryption:
    """What is said in one place.

    Attributes:
        secure: whether the volume is to be encrypted; ``None`` if nothing is said of it.
        name: of the secret; empty if none is named.
        entry: of an object of that name; empty if none is named.
        namespace: of the secret in the provider; empty if none is named.
    """

    secure: bool | None = None
    name: str = ""
    entry: str = ""
    namespace: str = ""


def read_labels(labels: Mapping[str, str]) -> SaidOfEncryption:
    """Return what labels say, as a whole.

    Raises:
        InvalidInputError: a label has a value that it cannot have, or two contradict each other.
    """
    name = agreed("labels: secret_key", labels.get(SECRET_KEY, ""), labels.get(CSI_NAME, ""))
    _check_names(labels, SECRET_KEY, CSI_NAME, CSI_KEY, PX_NAME, PX_KEY)
    of_class = SaidOfEncryption(
        _truth(labels, SECURE), name, labels.get(CSI_KEY, ""), labels.get(CSI_CONTEXT, "")
    )
    namespace = agreed(
        f"labels: {PX_NAMESPACE}", labels.get(PX_NAMESPACE, ""), labels.get(PX_VAULT_NAMESPACE, "")
    )
    annotated = SaidOfEncryption(
        _truth(labels, PX_SECURE), labels.get(PX_NAME, ""), labels.get(PX_KEY, ""), namespace
    )
    for said in (of_class, annotated):
        if said.secure is False and (said.name or said.entry):
            raise InvalidInputError("labels: expected no secret_key where secure is false")
    if annotated.secure is False:
        return SaidOfEncryption(secure=False)
    chosen = annotated if annotated.name or annotated.entry else of_class
    names_one = bool(chosen.name or chosen.entry)
    secure = annotated.secure if annotated.secure is not None else of_class.secure
    return SaidOfEncryption(
        True if names_one else secure, chosen.name, chosen.entry, annotated.namespace or of_class.namespace
    )


def read_words(words: Mapping[str, str]) -> SaidOfEncryption:
    """Return what words in place of a name say.

    Raises:
        InvalidInputError: a word has a value that it cannot have, or two contradict each other.
    """
    _check_names(words, SECRET_KEY, place="name")
    secure, name = _truth(words, SECURE, place="name"), words.get(SECRET_KEY, "")
    if secure is False and name:
        raise InvalidInputError("name: expected no secret_key where secure is false")
    return SaidOfEncryption(True if name else secure, name)


def agreed(what: str, *said: str) -> str:
    """Return the one text that is said, empty for none.

    Raises:
        InvalidInputError: two differ.
    """
    different = {text for text in said if text}
    if len(different) > 1:
        raise InvalidInputError(f"{what}: expected the same in labels, name and fields")
    return different.pop() if different else ""


def _truth(said: Mapping[str, str], word: str, *, place: str = "labels") -> bool | None:
    if word not in said:
        return None
    text = said[word].lower()
    if text not in TRUE | FALSE:
        raise InvalidInputError(f"{place}: {word}: expected true or false")
    return text in TRUE


def _check_names(said: Mapping[str, str], *words: str, place: str = "labels") -> None:
    for word in words:
        if word in said and not _SECRET_NAME.fullmatch(said[word]):
            raise InvalidInputError(f"{place}: {word}: expected the name of a secret")
