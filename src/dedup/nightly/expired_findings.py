"""Removes findings 8 weeks after their EDD from what earlier nights kept, also while no night is run."""

from __future__ import annotations

import pandas as pd

from dedup.findings.frames import Findings
from dedup.findings.lifecycle import is_expired
from dedup.nightly.finding import FINDINGS, edd_weeks_in, findings_from_json, findings_to_json
from dedup.nightly.memory import Made, content_of
from dedup.nightly.night import Night
from dedup.store.runs import StageOutput, outputs_of, replace_output
from dedup.store.tables import View


def remove_expired_findings(night: Night) -> int:
    """Remove them from all that is kept; returns how many findings those were.

    A night leaves out what is expired by itself. What the newest night of today went on from is left as it was until
    the next night, so that running it again gives the same.
    """
    with night.store.registry.read() as session:
        kept = outputs_of(session, FINDINGS)
    nights = sorted({day for day, _ in kept})
    needed = nights[-2:-1] if nights and nights[-1] >= night.today else []
    gone: set[str] = set()
    for day, output in kept:
        if day not in needed:
            gone |= _remove_from(night, output)
    return len(gone)


def _remove_from(night: Night, output: StageOutput) -> set[str]:
    content = content_of(night, output)
    weeks = edd_weeks_in(content)
    expired = {name for name, week in weeks.items() if is_expired(week, night.rules, night.today)}
    if not expired:
        return set()
    made = Made(findings_to_json(_without(findings_from_json(content), expired)), View.ATTRIBUTES)
    kept = night.store.objects(made.view).put(made.content)
    with night.store.registry.write(night.event("findings.expired", f"{FINDINGS}:{output.input_digest}")) as session:
        replace_output(session, output, output_digest=made.digest, kept=kept)
    return expired


def _without(findings: Findings, expired: set[str]) -> Findings:
    """Return findings without these, and without what else is told of their registrations."""
    members = findings.members
    hers = set(members.loc[members["finding"].isin(expired), "registratie_id"])
    hers -= set(members.loc[~members["finding"].isin(expired), "registratie_id"])
    decisions = findings.decisions
    lineage = findings.lineage

    def left(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~frame["finding"].isin(expired)]

    return Findings(
        findings=left(findings.findings),
        members=left(members),
        pairs=left(findings.pairs),
        deliveries=findings.deliveries,
        lineage=lineage[~lineage["finding"].isin(expired) & ~lineage["other"].isin(expired)],
        decisions=decisions[~decisions["registratie_id"].isin(hers) & ~decisions["other"].isin(hers)],
    )
