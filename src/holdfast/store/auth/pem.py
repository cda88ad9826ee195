"""PEM texts as clients send several of them: in a list, or in one text one behind the other."""

_BEGIN, _END = "-----BEGIN ", "-----END "


def pem_texts(given: object) -> tuple[str, ...]:
    """Return the PEM blocks of a list of texts, or of one text with commas or line ends between them.

    What is outside of blocks is left out; what is inside is for others to judge.
    """
    texts = given if isinstance(given, list) else [given]
    joined = "\n".join(text for text in texts if isinstance(text, str))
    blocks = joined.split(_BEGIN)[1:]
    return tuple(f"{_BEGIN}{block.strip().strip(',')}\n" for block in blocks if _END in block)
