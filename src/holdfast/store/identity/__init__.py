"""Identity: who the bearers of tokens are, over all the ways in which they log in.

    names       how entities, aliases and groups are called in storage, and whose id an alias has by itself
    records     what is stored of them
    known       from what a token remembers to who asks: entity, groups, policies of both
    commands    changes
    *_routes    ``identity/...``

A login writes nothing here: an alias that nobody ever wrote about has an entity all the same, whose id
follows from the alias (see ``names``). It is stored once somebody says something about it.
"""
