"""Rules that services, stores and clients have in common, each said once."""
