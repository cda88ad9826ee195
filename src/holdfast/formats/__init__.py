"""The text formats that reach Holdfast from outside, each read strictly and by one parser: JSON and HCL."""

from holdfast.formats.hcl import Block, parse_document
from holdfast.formats.strict_json import JsonObject, decode_object, encode

__all__ = ["Block", "JsonObject", "decode_object", "encode", "parse_document"]
