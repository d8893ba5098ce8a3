"""Nights after each other on made-up deliveries: the whole pipeline, and findings alone with the truth as linkage."""
