"""Benchmarks: one command, ratios of runs that stood side by side, no pass or fail.

    python -m bench                                  reads, durable writes and a mix, beside the bound
    python -m bench --peer URL --peer-token TOKEN    the same load on another server of the Vault API as well
    python -m bench memory                           memory for 100,000 secrets; takes --peer as well
    python -m bench growth                           the same store with 1,000 secrets and with 1,000,000
    python -m bench logins                           100,000 logins of machines; what they leave
    python -m bench expiry                           100,000 tokens that run out at one moment
    python -m bench inprocess                        the request path without sockets, beside the bare parser
    python -m bench attach                           attaching an encrypted volume, beside a plain one
    python -m bench volumes                          volumes: mounts, fio, a new key for many; see --help
    python -m bench sdk                              what security costs a call of a storage node
    python -m bench start                            from a store's command to its first answer

Absolute figures belong to the machine they were taken on. Compare the ratios. What they taught is in
``docs/performance.md``.
"""
