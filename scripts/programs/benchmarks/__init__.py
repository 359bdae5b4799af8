"""What a chat server costs: load from processes of its own, figures from the kernel's books."""
