"""Every rule of rooms; `dispatch` says which part handles which command."""
