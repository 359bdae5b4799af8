"""What scripts call `zchat-client` for; each subcommand is a module, whose `COMMAND` click runs."""
