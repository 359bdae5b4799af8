"""One file for each change of the users tables, oldest first; a released one never changes."""
