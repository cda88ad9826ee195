"""Benchmarks: one command, ratios of runs that stood side by side, no pass or fail.

    python -m bench            reads and durable writes against a store of our own, beside the bound
    python -m bench --peer URL --peer-token TOKEN    the same load on another server of the Vault API as well
    python -m bench attach     how long attaching an encrypted volume takes

Absolute figures belong to the machine they were taken on. Compare the ratios.
"""
