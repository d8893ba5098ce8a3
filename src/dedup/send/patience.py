"""How long to go on trying, and how long to wait in between: exponential back-off with jitter, reset by progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dedup.send.errors import NoServerError

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0


@dataclass(slots=True)
class Patience:
    """Tries that go on for `seconds` without any progress; `told` hears once per silence why it waits.

    `monotonic` gives seconds, `sleep` waits that many, `draw` gives a number from 0 to 1 (all from outside, so that a
    test needs no waiting).
    """

    seconds: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    draw: Callable[[], float]
    told: Callable[[str], None] = lambda _sentence: None
    _failures: int = field(default=0, init=False)
    _since: float | None = field(default=None, init=False)

    def progressed(self) -> None:
        """Start anew: the server did what was asked."""
        self._failures, self._since = 0, None

    def wait(self, why: str, at_least: float = 0.0) -> None:
        """Wait before the next try: half to all of 0.5, 1, 2 ... 60 seconds, and `at_least` what the server asks for.

        Raises `NoServerError` (`send.gave-up`) when that would go beyond the patience.
        """
        now = self.monotonic()
        if self._since is None:
            self._since = now
            self.told(f"{why}; trying again for {max(1, round(self.seconds / 60))} min at most.")
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
        self._failures += 1
        pause = max(at_least, longest * (0.5 + 0.5 * self.draw()))
        if now + pause - self._since > self.seconds:
            raise NoServerError(
                "send.gave-up", f"{why}. What was sent is kept for a while; run this again to go on from there."
            )
        self.sleep(pause)
