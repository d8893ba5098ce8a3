"""Made-up data, measurements and attacks; the only room besides the command line that sees both sides."""
