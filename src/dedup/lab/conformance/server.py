"""Walk the upload protocol as a client and as a wrong client, and say what the server does right and wrong.

Nothing is accepted unless a bundle is given: the walk uploads bytes that are no bundle, and has them refused. Each
sentence says what was expected; docs/spec/upload-v1.md is the measure.
"""

from __future__ import annotations

from collections.abc import Iterator

from dedup.errors import DedupError
from dedup.lab.conformance.acceptance import judge_acceptance
from dedup.lab.conformance.calls import Caller
from dedup.lab.conformance.expecting import shown
from dedup.lab.conformance.finding import Finding, fault, judged
from dedup.lab.conformance.tokens import judge_keys, judge_tokens
from dedup.lab.conformance.uploads import (
    judge_abort,
    judge_chunks,
    judge_completion,
    judge_creation,
    judge_strangers,
)
from dedup.lab.conformance.walk import Walk


def judge_server(walk: Walk) -> Iterator[Finding]:
    """Yield every check of the server; one that cannot be reached, believed or entered ends the walk."""
    try:
        yield from judge_keys(walk.caller)
        yield from judge_tokens(walk.caller)
        if not walk.caller.token:
            return
        address, junk = yield from judge_creation(walk)
        if address:
            yield from judge_chunks(walk, address, junk)
            yield from judge_completion(walk, address, junk)
            yield from judge_abort(walk)
            yield from judge_strangers(walk, address)
        yield from judge_acceptance(walk)
        yield from judge_problems(walk.caller)
    except DedupError as error:
        yield fault(error)


def judge_problems(caller: Caller) -> Iterator[Finding]:
    """Judge the form of every refusal that the walk met."""
    bad = [reply for reply in caller.seen if not reply.is_problem()]
    yield judged(
        "problems.form",
        not bad,
        f"All {len(caller.seen)} refusals were application/problem+json with every member.",
        f"{len(bad)} of {len(caller.seen)} refusals were no whole problem document: {', '.join(map(shown, bad[:3]))}.",
    )
    broken = [reply for reply in caller.seen if reply.status >= 500]
    yield judged("problems.no-5xx", not broken, "Nothing was answered with 5xx.", f"{len(broken)} answers were 5xx.")
