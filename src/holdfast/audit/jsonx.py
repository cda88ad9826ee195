"""An audit line as XML: the form that IBM calls JSONx, for receivers that read nothing else."""

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

_BEGIN = '<json:object xmlns:json="http://www.ibm.com/xmlns/prod/2009/jsonx">'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = {"\n": "&#10;", "\r": "&#13;"}


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


_decode = msgspec.json.Decoder(float_hook=_as_written).decode


def open_element(line: bytes) -> bytes:
    """Return a JSON object as one element on one line, but without its end.

    Args:
        line: the object without its closing brace.
    """
    members: dict[str, Any] = _decode(line + b"}")
    return (_BEGIN + "".join(_element(value, name) for name, value in members.items())).encode()


def _element(value: Any, name: str | None = None) -> str:
    named = "" if name is None else f" name={quoteattr(_clean(name), _BREAKS)}"
    if isinstance(value, dict):
        return f"<json:object{named}>{''.join(_element(v, n) for n, v in value.items())}</json:object>"
    if isinstance(value, list):
        return f"<json:array{named}>{''.join(_element(element) for element in value)}</json:array>"
    if value is None:
        return f"<json:null{named} />"
    if isinstance(value, bool):
        return f"<json:boolean{named}>{'true' if value else 'false'}</json:boolean>"
    if isinstance(value, str):
        return f"<json:string{named}>{escape(_clean(value), _BREAKS)}</json:string>"
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
    return f"<json:number{named}>{text}</json:number>"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
