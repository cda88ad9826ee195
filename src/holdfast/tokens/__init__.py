"""Who is this? Signed tokens: reading them, verifying them, making them.

A token is a signed JSON Web Token in compact form (RFC 7515, RFC 7519). The way of one token through
this room:

    compact          bytes -> three strict segments, header and claims; trusts nothing
    issuer           which issuer the token names, and with which keys and algorithms it may sign
    published_keys   the keys of an issuer that publishes them (``oidc``, ``discovery``, ``jwks``)
    keys             the signature, by a key that is only ever tried as its own kind
    claims           types and presence of the claims, the times, the audience, the user name
    revocation       what was taken back before its time
    verify           the order of all these, and a memory of tokens already verified

``user_file`` and ``generate`` go the other way, from a user file to a token, ``renewal`` from a token to a
later one, and ``system_tokens`` from nothing to one of a node. What a principal may do is decided in the
policy room; nothing here knows paths or rules. Modules are imported by name, so that a program that only
reads a token never loads the cryptography.
"""
