"""The parts of the full screen that Textual draws."""
