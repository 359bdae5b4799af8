"""Pure rules of the fabric: links, and the names of processes and topics."""
