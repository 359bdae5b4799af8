"""The three channels: commands, events, queries. The only server code that imports zmq."""
