"""Bodies that are forms, as ``curl --data`` sends them."""

from urllib.parse import parse_qsl

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import JsonObject, encode

MAX_FIELDS = 100


def decode_form(body: bytes) -> JsonObject:
    """Return the fields of a form as the JSON object that they stand for; all values are strings.

    Raises:
        InvalidInputError: it is no form, or has a field twice or too many of them.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise InvalidInputError(f"body: expected a form of at most {MAX_FIELDS} fields") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise InvalidInputError("body: expected each field of the form once")
    return JsonObject(values=values, raw=encode(values))
