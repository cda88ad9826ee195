"""The storage node's faces: the OpenStorage SDK over gRPC, and over REST with its gateway's paths and bodies.

    proto/       the messages
    table, rows  one row for each method, by service: volume, role, ...
    calls        one call's way, the same whichever wire it came by
    grpc_*       bytes of gRPC to a call and back
    dialect      a request of REST to a call and back

Translation and nothing else: bytes become one call of the node's services, its result becomes bytes.
"""
