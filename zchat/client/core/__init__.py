"""The client as a state machine, without sockets, clock or chance (sans I/O)."""
