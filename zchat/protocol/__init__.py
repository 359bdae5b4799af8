"""What peers agree on: messages, their bytes, names and limits. Imports nothing else of zchat."""
