"""``holdfast import`` and ``holdfast export``: secrets on their way into the store, and out of it encrypted.

    import_commands      five sources, one set of options
    ├── dcos_source          another cluster that speaks the DC/OS secrets API
    │   └── dcos_login           a token for it
    ├── directory            one file, one secret
    ├── dotenv               NAME=value files
    ├── kubernetes           what `kubectl get secret -o json` prints
    ├── document             what `holdfast export` made
    ├── plan                 where each secret goes, and which may not
    ├── carrier              one secret into the store, or why not
    ├── parallel             several at a time
    └── report               what became of each
    export_command       every secret, as one message to OpenPGP keys
    └── sealed_file          a whole file that only its owner reads, or none

A source is a list of entries: names, and for each a way to read its value when it is its turn. So a store of
any size passes through with a few values in memory. Nothing is ever replaced that was not asked to be, and
whoever was interrupted runs the same command again.
"""
