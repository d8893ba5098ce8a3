"""The graph matching attack."""
