"""How many people an attack got right, with an interval: the shape in which every attack that counts reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.stats import beta

from dedup.lab.attack import AttackError

CONFIDENCE = 0.999


@dataclass(frozen=True, slots=True)
class Count:
    """`right` of `of` people; `claimed` is for how many the attacker ventured a name (None where he always does)."""

    right: int
    of: int
    claimed: int | None = None

    @property
    def share(self) -> float:
        """The share of people that were got right."""
        return self.right / self.of if self.of else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the counts as `dedup attack` prints them."""
        counts: dict[str, Any] = {"reidentified": self.right, "of": self.of}
        return counts if self.claimed is None else counts | {"claimed": self.claimed}


def interval(count: Count) -> list[float]:
    """Return the exact 99.9 % interval (Clopper and Pearson 1934) of a count, in people, to one decimal."""
    tail = (1 - CONFIDENCE) / 2
    low = beta.ppf(tail, count.right, count.of - count.right + 1) if count.right else 0.0
    high = beta.ppf(1 - tail, count.right + 1, count.of - count.right) if count.right < count.of else 1.0
    return [round(float(low) * count.of, 1), round(float(high) * count.of, 1)]


def result(
    *, form: str, people: int, overlap: float, chance: float, control: Count, ours: Count, **more: Any
) -> dict[str, Any]:
    """Return one line of an attack's report; `chance` is how many people a blind guess would get right."""
    return {
        "form": form,
        "people": people,
        "overlap": overlap,
        "chance": round(chance, 3),
        "control": control.to_json(),
        "ours": ours.to_json() | {"interval": interval(ours), "share": round(ours.share, 6)},
        **more,
    }


def require_control(control: Count, least_share: float, what: str) -> Count:
    """Return the control's count; raises `AttackError` (`attack.control-failed`) where it stayed below a share.

    An attack that fails where it must succeed says nothing about where it should fail.
    """
    if control.of == 0 or control.share < least_share:
        raise AttackError(
            "attack.control-failed",
            f"The control of the attack, {what}, got {control.right} of {control.of} right, below {least_share:.0%}: "
            "the attack proves nothing.",
        )
    return control
