"""How a client proves who it is: logins, kept tokens, and for which cluster they are."""
