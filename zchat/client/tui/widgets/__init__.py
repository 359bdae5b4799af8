"""The widgets of the full screen: what Textual draws, and gives keys and clicks to."""
