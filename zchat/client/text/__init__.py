"""All words that the clients show people about what happened."""
