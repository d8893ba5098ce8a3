"""How an answer is held against what the protocol asks for."""

from __future__ import annotations

from dedup.lab.conformance.calls import Reply
from dedup.lab.conformance.finding import Finding, judged


def expected(code: str, reply: Reply, status: int, what: str, problem: str = "") -> Finding:
    """Judge an answer by its status, and its code where one is given."""
    good = reply.status == status and (not problem or reply.code == problem)
    wanted = f"{status} {problem}".strip()
    return judged(code, good, f"As expected, {what}.", f"Expected {what}: {wanted}; the answer was {shown(reply)}.")


def refused(code: str, reply: Reply, what: str) -> Finding:
    """Judge whether an answer is a refusal with a code."""
    good = 400 <= reply.status < 500 and reply.code != ""
    return judged(code, good, f"Refused: {what} [{reply.code}].", f"Not refused with a code: {what} ({shown(reply)}).")


def offset_is(code: str, reply: Reply, offset: int, length: int) -> Finding:
    """Judge what HEAD tells of an open upload."""
    found = (reply.headers.get("Upload-Offset"), reply.headers.get("Upload-Length"), reply.headers.get("Upload-State"))
    good = reply.status == 200 and found == (str(offset), str(length), "open")
    return judged(
        code,
        good,
        f"HEAD tells offset {offset}, length and state.",
        f"HEAD tells {found}, not offset {offset} of {length}, open.",
    )


def shown(reply: Reply) -> str:
    """Return an answer in few words."""
    return f"{reply.status} {reply.code}".strip()


def told(reply: Reply) -> tuple[int, str, frozenset[str]]:
    """Return what an answer tells: equal for two that cannot be told apart."""
    return reply.status, reply.code, frozenset(reply.document)
