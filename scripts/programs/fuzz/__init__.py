"""Garbage for everything that reads bytes from outside its process."""
