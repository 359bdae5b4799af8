"""How entries are numbered, followed and found, without a database."""
