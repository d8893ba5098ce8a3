"""Weeks as ordinals: the only grain in which dates leave the source.

A week ordinal is the number of whole weeks since Monday 0001-01-01, so equal ordinals are the same ISO week, a
difference of one is the next week, and years need no special case. -1 stands for a missing week.
"""

from __future__ import annotations

from datetime import date, timedelta

MISSING_WEEK = -1


def week_of(day: date) -> int:
    """Return the week ordinal of the ISO week that holds `day`."""
    return (day.toordinal() - 1) // 7


def monday_of(week: int) -> date:
    """Return the Monday on which the week with this ordinal starts."""
    return date.min + timedelta(weeks=week)


def iso_label(week: int) -> str:
    """Return the week as people write it, `2026-W47`; a missing week is an empty string."""
    if week == MISSING_WEEK:
        return ""
    year, number, _ = monday_of(week).isocalendar()
    return f"{year}-W{number:02d}"
