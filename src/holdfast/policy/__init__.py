"""May they? Decisions as values with a reason, for both halves of the system. Nothing here reads or writes.

    acl, acl_policy, acl_rule     path policies of the store, from text to a compiled table
    templates                     what a pattern says about whoever asks
    roles, role_pattern           which APIs of a storage node a role may call
    ownership, ownership_change   who may use a volume, and who may change that
    builtin, default_roles        what exists from the start
    decision                      the answer to all of these questions

Paths, roles and ownership never ask each other; the halls ask them.
"""
