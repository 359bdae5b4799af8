"""The rules of the full screen: what the user does, and what becomes of it."""
