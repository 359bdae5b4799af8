"""zchat: a chat where nothing said is ever lost, run by small processes any of which may die."""

__version__ = "0.1.0"
