"""Names of mothers by origin: lists with realistic skew, and how each origin spells, shortens and marries names."""
