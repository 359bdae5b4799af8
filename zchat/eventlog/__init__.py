"""The log: who numbers entries, who keeps them, and who follows them."""
