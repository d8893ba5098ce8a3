"""The engine: candidates, comparison levels, match probabilities and groups, on arrays alone."""
