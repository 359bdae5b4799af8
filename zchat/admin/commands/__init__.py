"""The commands of `zchat-admin`, each in the module of what it is about."""
