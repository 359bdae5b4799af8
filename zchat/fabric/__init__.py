"""The three channels over ZeroMQ (commands, queries, events): the only code that imports zmq."""
