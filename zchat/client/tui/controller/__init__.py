"""What the person does on the full screen, said to the server."""
