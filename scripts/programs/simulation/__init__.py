"""Whole clusters in one process on a fake network, disk and clock, and all that can go wrong."""
