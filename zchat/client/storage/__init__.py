"""What a client keeps on its user's disk."""
