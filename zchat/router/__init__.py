"""The router: knows who is alive and which worker serves which address, and never opens a body."""
