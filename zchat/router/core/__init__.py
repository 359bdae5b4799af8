"""Pure rules of the router: who serves what, and where each envelope goes."""
