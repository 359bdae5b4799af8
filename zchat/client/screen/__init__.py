"""The full-screen client. Only this folder imports Textual, and `start` alone loads all of it."""
