"""The records of a store as a whole: copied to another engine, or put into one file and back.

Records are ciphertext wherever they lie, bound to their path and to no engine. So whoever copies them needs
no key of the store, and the copy is opened by the same shares.
"""
