"""Tells legitimate doubles from real ones, classifies them, and follows them over the nights."""
