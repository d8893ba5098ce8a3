"""What makes a night resume: a stage whose input was seen before gives back what it made of it then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dedup import __version__
from dedup.nightly.night import Night
from dedup.store.failpoints import reach
from dedup.store.runs import StageOutput, find_stage, record_stage
from dedup.store.tables import View


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage made: bytes to keep in one of the object stores, and their digest for the next stage."""

    content: bytes
    view: View

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def digest_of(parts: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `parts`, in hex."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def remembered(night: Night, name: str, parts: Mapping[str, Any], make: Callable[[], Made]) -> StageOutput:
    """Return what the stage `name` makes of the input that `parts` describes, doing the work only once.

    `parts` must hold everything that the result depends on; the version of this program is added. What was made is
    durable before the registry names it, so a crash at any point only means that the work is done again.
    """
    input_digest = digest_of({"stage": name, "program": __version__, **parts})
    with night.store.registry.read() as session:
        known = find_stage(session, name, input_digest)
    if known is not None and known.object is not None:
        return known
    started = night.clock()
    made = make()
    kept = night.store.objects(made.view).put(made.content)
    reach(f"{name}.stored")
    output = StageOutput(name, input_digest, made.digest, started, night.clock(), kept, made.view)
    with night.store.registry.write(night.event("stage.done", f"{name}:{input_digest}")) as session:
        record_stage(session, night.run_id, output)
    reach(f"{name}.committed")
    return output


def content_of(night: Night, output: StageOutput) -> bytes:
    """Return what a stage kept; raises `StoreError` when it is missing or altered."""
    if output.object is None or output.view is None:
        raise ValueError(f"the stage {output.name} keeps nothing")
    return bytes(night.store.objects(output.view).get(output.object))
