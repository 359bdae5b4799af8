"""The beat that every service shares: drain, apply, commit, and only then publish and reply."""
