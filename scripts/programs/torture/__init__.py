"""A real cluster whose processes are killed, whose connections are cut and whose disk is full."""
