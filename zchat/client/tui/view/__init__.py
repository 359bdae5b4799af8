"""What the full screen shows, as lines of pieces; no widgets here."""
