"""Tells the operator how a run went, by webhook and by e-mail; what is told is made elsewhere: counts and codes."""
