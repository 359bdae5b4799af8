"""Every rule of a gateway: sessions, delivery, flow control; no sockets and no clock."""
