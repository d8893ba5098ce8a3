"""The faults of a linkage model: each one sentence with a stable code, collected first and raised together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from dedup.errors import ModelError

MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a model: a stable code (`model.what`) and one sentence for its author."""

    code: str
    sentence: str


class InvalidModelError(ModelError):
    """A linkage model with one or more faults, all in `faults`.

    `code` is the fault's own code when there is one, `model.faults` when there are several; the message then holds
    one sentence per line, each with its code, of the first `MOST_TOLD`.
    """

    def __init__(self, model: str, faults: tuple[Fault, ...]) -> None:
        if len(faults) == 1:
            super().__init__(faults[0].code, f"{model}: {faults[0].sentence}")
        else:
            lines = "".join(f"\n  {fault.sentence} [{fault.code}]" for fault in faults[:MOST_TOLD])
            if len(faults) > MOST_TOLD:
                lines += f"\n  and {len(faults) - MOST_TOLD} more."
            super().__init__("model.faults", f"{model} has {len(faults)} faults:{lines}")
        self.faults = faults


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'first'?` for a name that is nearly a known one, else ".": the end of a sentence."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else "."


@dataclass(slots=True)
class FaultList:
    """Collects faults while a model is read, so that its author sees all of them at once."""

    faults: dict[Fault, None] = field(default_factory=dict)  # in the order in which they were found

    def add(self, code: str, sentence: str) -> None:
        """Note one fault; the same sentence is noted once."""
        self.faults[Fault(f"model.{code}", sentence)] = None

    def about(self, beginning: str) -> bool:
        """Tell whether a fault whose sentence begins so was noted: what follows from it need not be told as well."""
        return any(fault.sentence.startswith(beginning) for fault in self.faults)

    def raise_any(self, model: str) -> None:
        """Raise `InvalidModelError` when a fault was noted; `model` says which model, by name or path."""
        if self.faults:
            raise InvalidModelError(model, tuple(self.faults))
