"""`zchat-client` as it is called: its options, and the subcommands for scripts.

Each subcommand is one of the `COMMANDS` of a module, which is loaded when it is asked for.
"""
