"""Signatures and HMACs with keys that stay here, and whether somebody's are right."""

from functools import partial
from typing import Any

from holdfast.engines.transit import digests, signatures
from holdfast.engines.transit.signatures import Marshaling, Scheme, SigningOptions
from holdfast.engines.transit.versioned import read, write
from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.mount_visit import MountVisit
from holdfast.store.transit.batch import Batch, Job, Outcome, Versions, read_batch, respond
from holdfast.store.transit.commands import require_key
from holdfast.store.transit.values import context_of, input_of, number_in, one_of, to_base64


def sign(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    options = _signing_options(values, algorithm)
    wanted = fields.integer(values, "key_version")
    with visit.snapshot() as view:
        key = require_key(view, name, "signing key not found")
        signatures.check_signs(key, what="signing")
        number = signatures.signing_version(key, wanted)
        version = Versions(view, name, key).get(number)
    url_safe = options.marshaling is Marshaling.JWS

    def signing(thing: dict[str, Any]) -> Job:
        data, context = input_of(thing), context_of(thing)

        def job() -> dict[str, Any]:
            signature = signatures.sign(key, version, data, options, context=context)
            result = {"signature": write(number, signature, url_safe=url_safe), "key_version": number}
            if key.derived:
                public = signatures.derived_public_key(key, version, context)
                result["public_key" if batch.is_single else "publickey"] = to_base64(public)
            return result

        return job

    return respond(visit, key, batch, batch.each(signing), empty={"key_version": 0}, tells_failure=False)


def verify(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    if _proof_to_verify(batch) == "hmac":
        return _verify_hmacs(visit, name, algorithm, batch)
    options = _signing_options(values, algorithm)
    with visit.snapshot() as view:
        key = require_key(view, name, "signature verification key not found")
        signatures.check_signs(key, what="verification")
        prepared = batch.each(partial(_verifying, Versions(view, name, key), options))
    return respond(visit, key, batch, prepared, empty={"valid": False}, tells_failure=False)


def _verifying(versions: Versions, options: SigningOptions, thing: dict[str, Any]) -> Job:
    key, data, context = versions.key, input_of(thing), context_of(thing)
    number, signature = read(
        key,
        fields.text(thing, "signature"),
        what="signature",
        url_safe=options.marshaling is Marshaling.JWS,
    )
    version = versions.get(number)

    def job() -> dict[str, Any]:
        return {"valid": signatures.verify(key, version, data, signature, options, context=context)}

    return job


def _proof_to_verify(batch: Batch) -> str:
    """Return what all things of a batch bring along: ``signature`` or ``hmac``."""
    found = {
        "signature" if "signature" in thing else "hmac" if "hmac" in thing else "" for thing in batch.things
    }
    if batch.is_single and {"signature", "hmac"} <= set(batch.things[0]):
        raise InvalidInputError("provide one of 'signature' or 'hmac'")
    if batch.is_single and found == {""}:
        raise InvalidInputError("neither a 'signature' nor an 'hmac' were given to verify")
    if {"signature", "hmac"} <= found:
        raise InvalidInputError("elements of batch_input must all provide 'signature' or all provide 'hmac'")
    if found == {""}:
        raise InvalidInputError("no batch_input elements have 'signature' or 'hmac'")
    if "" in found:
        raise InvalidInputError(f"some elements of batch_input are missing '{max(found)}'")
    return found.pop()


def _signing_options(values: dict[str, Any], algorithm: str) -> SigningOptions:
    options = SigningOptions(
        hash_name=_hash_name(values, algorithm),
        scheme=one_of(
            Scheme, fields.text(values, "signature_algorithm") or Scheme.PSS, "invalid signature_algorithm"
        ),
        marshaling=one_of(
            Marshaling,
            fields.text(values, "marshaling_algorithm") or Marshaling.ASN1,
            "invalid marshaling type",
        ),
        salt_bytes=_salt_bytes(fields.text(values, "salt_length").lower()),
        prehashed=fields.boolean(values, "prehashed"),
    )
    options.check()
    return options


def _hash_name(values: dict[str, Any], algorithm: str) -> str:
    return (
        algorithm
        or fields.text(values, "hash_algorithm")
        or fields.text(values, "algorithm")
        or digests.DEFAULT_HASH
    )


def _salt_bytes(text: str) -> int:
    if text in {"", "auto"}:
        return signatures.SALT_AS_LONG_AS_POSSIBLE
    if text in {"hash", "-1"}:
        return signatures.SALT_LIKE_HASH
    return number_in(text, "salt_length")


def make_hmac(visit: MountVisit, name: str, algorithm: str = "") -> Outcome:
    values, batch = visit.body.values, read_batch(visit.body.values)
    hash_name = algorithm or fields.text(values, "algorithm") or digests.DEFAULT_HASH
    digests.check_hmac_algorithm(hash_name)
    with visit.snapshot() as view:
        key = require_key(view, name)
        number = digests.hmac_version(key, fields.integer(values, "key_version"))
        version = Versions(view, name, key).get(number)

    def hashing(thing: dict[str, Any]) -> Job:
        data = input_of(thing, "missing input for HMAC")
        return lambda: {"hmac": write(number, digests.make_hmac(version, hash_name, data))}

    return respond(visit, key, batch, batch.each(hashing), tells_failure=False)


def _verify_hmacs(visit: MountVisit, name: str, algorithm: str, batch: Batch) -> Outcome:
    hash_name = _hash_name(visit.body.values, algorithm)
    digests.check_hmac_algorithm(hash_name)
    with visit.snapshot() as view:
        key = require_key(view, name)
        versions = Versions(view, name, key)

        def verifying(thing: dict[str, Any]) -> Job:
            data = input_of(thing)
            number, claimed = read(key, fields.text(thing, "hmac"), what="HMAC")
            version = versions.get(number)
            return lambda: {"valid": digests.is_hmac(version, hash_name, data, claimed)}

        prepared = batch.each(verifying)
    return respond(visit, key, batch, prepared, empty={"valid": False}, tells_failure=False)
