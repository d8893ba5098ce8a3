"""Reads, checks and normalises extracts at the source; knows names and never leaves it."""
