"""The router: who is alive, and which worker serves which address. Never opens a body."""
