"""The web server that vendors upload to: HTTP around `dedup.intake`, who is calling, limits, and what it tells."""
