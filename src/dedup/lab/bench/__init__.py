"""Benchmarks: each runs the command that a user would run, as a process of its own, and measures it from outside."""
