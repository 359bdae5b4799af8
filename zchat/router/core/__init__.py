"""Every rule of the router, without its sockets."""
