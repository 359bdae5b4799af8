"""The user-service: accounts, credentials, sessions, presence, and each user's inbox."""
