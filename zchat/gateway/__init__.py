"""The gateway: client connections, sessions and fan-out. Knows no rule of rooms or accounts."""
