"""zchat: a self-hosted chat that loses nothing, run by small processes any of which may die."""

__version__ = "0.1.0"
