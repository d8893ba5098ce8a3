"""The words of findings: classes, states, who acts, and the bands in which a probability is shown."""

from __future__ import annotations

from enum import StrEnum


class FindingClass(StrEnum):
    """What a finding is judged to be; a legitimate one is written `legitimate:CODE` with its rule's code."""

    CERTAIN = "certain"
    LIKELY = "likely"
    TO_REVIEW = "to_review"
    CLEAN_UP = "clean_up"
    LEGITIMATE = "legitimate"
    INTERNAL = "internal"

    def written(self, code: str) -> str:
        """Return the class as outputs write it."""
        return f"{self}:{code}" if self is FindingClass.LEGITIMATE else str(self)


class State(StrEnum):
    """Where a finding is in its life over the nights."""

    HELD = "held"  # L9: found, but shown to nobody yet
    NEW = "new"  # open since tonight
    OPEN = "open"
    REOPENED = "reopened"  # settled before, found again tonight
    SETTLED = "settled"


OPEN_STATES = (State.NEW, State.OPEN, State.REOPENED)


class SettledBy(StrEnum):
    """Why a finding is settled."""

    LEFT = "left"  # fewer than two of its registrations are still open at their providers
    NO_MATCH = "no_match"  # the registrations are still there, but no longer look like one woman
    WITHDRAWN = "withdrawn"  # it went before it was ever shown
    FEEDBACK = "feedback"  # a provider answered that it is not a double
    MERGED = "merged"  # its registrations are in another finding now


class Actor(StrEnum):
    """Whose turn it is."""

    PROVIDER = "provider"
    KSV = "ksv"
    NOBODY = "nobody"


class Kept(StrEnum):
    """Why a finding that was not found tonight is still there."""

    DELIVERY = "delivery"  # a registration is gone, but its provider's delivery is suspected
    RELINKED = "relinked"  # the match is absent, but keys or model changed since it was last there


class Feedback(StrEnum):
    """What a provider answers about its registration in a finding, as report forms and `feedback import` write it.

    The Dutch words are the codes of the file: they are what people in the provider's package choose from.
    """

    OURS = "ons"  # the client chooses us
    THEIRS = "ander"  # the client chooses the other provider
    RIGHTLY = "terecht"  # rightly double; written with the rule's code, `terecht:L4`
    NOT_A_DOUBLE = "geen_dubbel"
    UNKNOWN = "onbekend"
