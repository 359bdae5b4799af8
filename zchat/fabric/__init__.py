"""The three channels: commands over links, events, queries. The only server code that imports zmq."""
