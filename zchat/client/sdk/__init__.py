"""What programmers use: a chat on asyncio, around the core."""
