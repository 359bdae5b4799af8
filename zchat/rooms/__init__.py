"""The room-service: rooms, memberships, and each room's timeline."""
