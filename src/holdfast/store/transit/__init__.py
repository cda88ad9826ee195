"""Requests below a transit mount: the engine ``engines.transit`` behind the Vault API.

routes             what a path means            batch      one thing or many in one request
key_routes         keys themselves              commands   changes, for the writer
cipher_routes      encrypt, decrypt, rewrap     rotation   keys whose time has come
signature_routes   sign, verify, HMACs
"""
