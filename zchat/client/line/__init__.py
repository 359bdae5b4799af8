"""The line clients: on a terminal, in a pipe, for screen readers."""
