"""The faults of a linkage model: each one sentence with a stable code, collected first and raised together."""

from __future__ import annotations

from dataclasses import dataclass, field

from dedup.errors import ModelError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a model: a stable code (`model.what`) and one sentence for its author."""

    code: str
    sentence: str


class InvalidModelError(ModelError):
    """A linkage model with one or more faults, all in `faults`.

    `code` is the fault's own code when there is one, `model.faults` when there are several; the message then holds
    one sentence per line, each with its code.
    """

    def __init__(self, model: str, faults: tuple[Fault, ...]) -> None:
        if len(faults) == 1:
            super().__init__(faults[0].code, f"{model}: {faults[0].sentence}")
        else:
            lines = "".join(f"\n  {fault.sentence} [{fault.code}]" for fault in faults)
            super().__init__("model.faults", f"{model} has {len(faults)} faults:{lines}")
        self.faults = faults


@dataclass(slots=True)
class FaultList:
    """Collects faults while a model is read, so that its author sees all of them at once."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, code: str, sentence: str) -> None:
        """Note one fault; the same sentence is noted once."""
        fault = Fault(f"model.{code}", sentence)
        if fault not in self.faults:
            self.faults.append(fault)

    def raise_any(self, model: str) -> None:
        """Raise `InvalidModelError` when a fault was noted; `model` says which model, by name or path."""
        if self.faults:
            raise InvalidModelError(model, tuple(self.faults))
