"""Every rule of users; `dispatch` says which part handles which command."""
