"""``holdfast exec``: runs a command that finds its secrets in its environment, in files or in descriptors.

    command          options -> plan -> the command
    ├── binding          which secret goes where
    ├── app_definition   the same from a Marathon app definition
    ├── sources          secrets read through either dialect, all of them or none
    ├── environment      the command's variables
    ├── files            a directory in memory that ends with the command
    ├── descriptors      sealed memory files
    ├── launch           find the program; become it, or start it
    ├── supervisor       stay beside it: signals, exit code, restarts
    │   └── terminal         lend the terminal and take it back
    └── watcher          look for changes, patiently
        └── reaction         what a change sets off

The command starts with every secret it was promised, or it does not start. Without ``--watch`` and
``--file`` this process becomes the command, so that nothing stands between it and its terminal, its
signals and whoever waits for it.
"""
