"""The `dedup` command: thin commands that read options, call one recipe each and print its result."""

from dedup.cli.app import main

__all__ = ["main"]
