"""One request through the store: the order of its events, and everything that it keeps through the barrier.

    core, audit_trail             sealed? who? may they? audit, act, audit, answer
    open_store, visit             what a process holds while the store is open; what a handler is given
    keeper, command, ..._commands the one writer, and the changes that it makes
    route, ..._routes             what the paths mean
    layout, ..._records, mounts   where what is stored

``core.Store`` serves requests; ``local.LocalStore`` joins it to a keeper in one process.
"""
