"""What a typed line means, and what is done then."""
