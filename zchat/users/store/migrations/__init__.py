"""The users tables' own lineage; the environment that runs it is the log's."""
