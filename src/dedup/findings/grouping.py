"""Turns the judged pairs of the linkage's groups into findings: who belongs together, and as what.

A finding never claims more than its weakest necessary link. Registrations joined by solid pairs (one woman and one
pregnancy) are one finding. Other pairs (to review, another pregnancy) never pull a registration into such a finding;
they become findings of their own between one registration of each side, so two registrations share at most one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dedup.findings.judge import Judgement
from dedup.findings.pair import Pair, Registration
from dedup.findings.rules import JUDGING
from dedup.findings.vocabulary import FindingClass

Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A pair of a group with what was made of it."""

    group: int
    pair: Pair
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Gathered:
    """Registrations that make one finding, sorted by id, with its class and the pairs that made it."""

    members: tuple[Registration, ...]
    outcome: FindingClass
    code: str
    one_demand: bool
    acts_on: Registration | None
    pairs: tuple[JudgedPair, ...]


class Components(dict[Node, Node]):
    """Union-find over any hashable: what `join` was called on hangs together."""

    def root(self, node: Node) -> Node:
        """Return the component's representative."""
        self.setdefault(node, node)
        while self[node] != node:
            self[node] = self[self[node]]
            node = self[node]
        return node

    def join(self, one: Node, other: Node) -> bool:
        """Join two components; False when they already were one."""
        one_root, other_root = self.root(one), self.root(other)
        if one_root == other_root:
            return False
        self[other_root] = one_root
        return True


def gather(judged: Iterable[JudgedPair]) -> list[Gathered]:
    """Return the findings of these pairs, sorted by their members' ids."""
    by_group: dict[int, list[JudgedPair]] = defaultdict(list)
    for each in judged:
        by_group[each.group].append(each)
    gathered = [finding for pairs in by_group.values() for finding in _gather_group(pairs)]
    return sorted(gathered, key=lambda finding: [member.id for member in finding.members])


def _gather_group(pairs: list[JudgedPair]) -> list[Gathered]:
    # The most probable pair represents a link between two clusters; ids break ties so that nights agree.
    pairs = sorted(pairs, key=lambda each: (-each.pair.probability, each.pair.one.id, each.pair.other.id))
    solid = [each for each in pairs if each.judgement.solid]
    clusters: Components[str] = Components()
    for each in solid:
        clusters.join(each.pair.one.id, each.pair.other.id)
    findings = [_one_demand(cluster) for cluster in _by_component(solid, clusters)]

    links: Components[str] = Components()
    by_kind: dict[tuple[FindingClass, str], list[JudgedPair]] = defaultdict(list)
    for each in pairs:
        if links.join(clusters.root(each.pair.one.id), clusters.root(each.pair.other.id)):
            by_kind[(each.judgement.outcome, each.judgement.code)].append(each)
    for (outcome, code), kind in by_kind.items():
        joined: Components[str] = Components()
        for each in kind:
            joined.join(each.pair.one.id, each.pair.other.id)
        for linked in _by_component(kind, joined):
            acts_on = next((each.judgement.acts_on for each in linked if each.judgement.acts_on), None)
            findings.append(Gathered(_members(linked), outcome, code, False, acts_on, tuple(linked)))
    return findings


def _by_component(pairs: Sequence[JudgedPair], components: Components[str]) -> list[list[JudgedPair]]:
    parts: dict[str, list[JudgedPair]] = defaultdict(list)
    for each in pairs:
        parts[components.root(each.pair.one.id)].append(each)
    return list(parts.values())


def _members(pairs: Iterable[JudgedPair]) -> tuple[Registration, ...]:
    by_id = {registration.id: registration for each in pairs for registration in each.pair.both}
    return tuple(by_id[key] for key in sorted(by_id))


def _one_demand(pairs: list[JudgedPair]) -> Gathered:
    """Return the finding of one woman's pregnancy: a real double first, then what to clean up, then what is right."""
    members = _members(pairs)
    outcomes = {each.judgement.outcome for each in pairs}
    code, acts_on = "", None
    if outcomes & {FindingClass.CERTAIN, FindingClass.LIKELY}:
        outcome = FindingClass.CERTAIN if _joined_without_likely(pairs, members) else FindingClass.LIKELY
        acts_on = max(
            {
                each.pair.youngest
                for each in pairs
                if each.judgement.outcome in (FindingClass.CERTAIN, FindingClass.LIKELY)
            },
            key=lambda registration: registration.age_key,
        )
    else:
        outcome = next(
            kind for kind in (FindingClass.CLEAN_UP, FindingClass.LEGITIMATE, FindingClass.INTERNAL) if kind in outcomes
        )
        order = [rule.code for rule in JUDGING]
        deciding = min(
            (each for each in pairs if each.judgement.outcome is outcome),
            key=lambda each: order.index(each.judgement.code),
        )
        code, acts_on = deciding.judgement.code, deciding.judgement.acts_on
    return Gathered(members, outcome, code, True, acts_on, tuple(pairs))


def _joined_without_likely(pairs: list[JudgedPair], members: tuple[Registration, ...]) -> bool:
    """Tell whether all members still hang together when only pairs better than likely count."""
    joined: Components[str] = Components()
    for each in pairs:
        if each.judgement.outcome is not FindingClass.LIKELY:
            joined.join(each.pair.one.id, each.pair.other.id)
    return len({joined.root(member.id) for member in members}) == 1
