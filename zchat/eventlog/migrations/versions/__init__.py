"""One file for each change of the log tables, oldest first; a released one never changes."""
