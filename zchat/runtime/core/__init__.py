"""What programs measure and limit, as rules: no clock, no system."""
