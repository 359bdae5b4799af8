"""One file for each change of the rooms tables, oldest first; a released one never changes."""
