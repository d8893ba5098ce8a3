"""Finds duplicate registrations for maternity care without seeing who registered."""

__version__ = "0.1.0"
