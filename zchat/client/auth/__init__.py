"""How a client proves who it is, and knows the server again."""
