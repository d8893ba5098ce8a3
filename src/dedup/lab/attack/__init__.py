"""Attacks on the encodings, made by ourselves on made-up people; every attack also runs where it must succeed."""

from __future__ import annotations

from dedup.errors import DedupError


class AttackError(DedupError):
    """An attack that cannot be run as asked, or whose control failed, so that its result would mean nothing."""
