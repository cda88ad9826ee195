"""Transit: keys that encrypt, sign and authenticate for others, and never leave.

    key_types   what kinds of keys there are      encryption   encrypt, decrypt, convergent nonces
    material    what a version is made of         signatures   sign, verify
    records     what is stored                    digests      hashes and HMACs
    changes     make, configure, rotate, trim     versioned    vault:v<number>:<base64>
    describe    what is told of a key             derivation   a key of its own for every context
    export      keys as text                      backup       a whole key as one text

A key has numbered versions. The newest encrypts and signs; older ones decrypt and verify what they made until
the key says otherwise, and trimming erases them. Secret material is in no answer but that of an export or a
backup which the key itself allows.

Source: the transit part of the Vault HTTP API, whose texts of refusal clients compare.
"""
