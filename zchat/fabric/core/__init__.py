"""The reliability of the fabric, and what processes are called on it; no sockets."""
