"""Changes the cores one place at a time, and looks whether a test notices."""
