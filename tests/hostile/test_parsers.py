"""Whatever bytes come in, each parser takes them or refuses them with one of our own errors, soon, and without growing.

Bytes start from something that is right and are then spoiled, so that they get far; where a digest or a signature
guards what lies behind it, that is made right again.
"""

from __future__ import annotations

import hashlib
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.made_bundles import sealed_bundle

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.container import HEAD, MANIFEST_KIND, SEALED_MAGIC, UNSEALED_MAGIC
from dedup.bundle.keyfiles import key_document, read_key
from dedup.bundle.keys import (
    EcPublicKey,
    LinkageKey,
    ReceiptSigningKey,
    SealingPrivateKey,
    SigningKey,
    public_jwk,
)
from dedup.bundle.outside import read_manifest
from dedup.bundle.reader import open_bundle
from dedup.bundle.signing import sign, take_apart
from dedup.bundle.vendors import TrustedVendor
from dedup.errors import BundleError, DedupError
from dedup.extract.checks import check_extract
from dedup.findings.config import load_rules
from dedup.lab.bench.made_up import MadeUp, made_up_batch, write_made_up_bundle
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.files import write_extracts
from dedup.model.load import load_model
from dedup.regions import read_regions
from dedup.reports.contracts import read_contracts
from dedup.send.statement import KEYS_KIND, verified_statement
from dedup.service.assertions import ASSERTION_KIND, verified_assertion
from dedup.service.digests import sha256_of
from dedup.service.registered import Registered

CONFIG = Path(__file__).parents[2] / "config"
MODEL = load_model(CONFIG / "linkage" / "kraamzorg.toml")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ISSUER = "https://upload.example.nl"
KEY = SigningKey.generate()
TRUSTED = {KEY.key_id: TrustedVendor("vitaal", KEY.public(), frozenset({"12345678"}))}
RECEIPTS = ReceiptSigningKey.generate()
NASTY = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b'"', b'""', b";", b"'", b"\\", b"=1+1", b"\xed\xa0\x80",
    b"-1", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b"0" * 40, b"9" * 5_000, b"4294967295",
    b"18446744073709551616", b"\\ud800", b"\\u0000", b"[" * 5_000, b'{"a":' * 5_000, b"a" * 70_000, b'"' * 3_001,
    b"2026-02-30", b"0000-00-00", b"99999-01-01", "\u202e\u0130\u212b".encode(), b";" * 10_000,
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draw up to six changes of a sample: a byte, a piece that is gone, twice there or elsewhere, something nasty."""
    data = sample
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.sampled_from([1, 2, 4, 16, 100, 5_000])))
        change = draw(st.sampled_from(["byte", "gone", "twice", "nasty", "nasty", "end"]))
        if change == "byte":
            data = data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[min(len(data), at + 1) :]
        elif change == "gone":
            data = data[:at] + data[to:]
        elif change == "twice":
            data = data[:to] + data[at:to] * draw(st.sampled_from([1, 2, 50])) + data[to:]
        elif change == "nasty":
            data = data[:at] + draw(st.sampled_from(NASTY)) + data[draw(st.sampled_from([at, to])) :]
        else:
            data = data[:at]
    return data[: 4 << 20]


@dataclass(frozen=True)
class Parser:
    """What is right, and what takes bytes like it; `folder` is for files."""

    sample: bytes
    parse: Callable[[bytes, Path], object]


def from_file(parse: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def written(data: bytes, folder: Path) -> object:
        path = folder / "12345678.csv"
        path.write_bytes(data)
        path.chmod(0o600)
        return parse(path)

    return written


def json_bytes(data: bytes, _: Path) -> object:
    try:
        return parse_json(data)
    except ValueError as error:  # which is what it promises
        raise BundleError("bundle.not-a-bundle", "Not JSON that is the same for everybody.") from error


def sealed_outside(data: bytes, folder: Path) -> object:
    return from_file(lambda path: read_manifest(path, trusted=TRUSTED))(data, folder)


def signed_manifest(data: bytes, folder: Path) -> object:
    statement = sign(data, KEY, kind=MANIFEST_KIND).encode()
    return sealed_outside(SEALED_MAGIC + len(statement).to_bytes(4, "big") + statement + b"sealed", folder)


def vouched_body(data: bytes, folder: Path) -> object:
    """The body of an evaluation bundle whose manifest is made to fit it."""
    stated = canonical_json(MANIFEST | {"body_bytes": len(data), "body_sha256": hashlib.sha256(data).hexdigest()})

    def read(path: Path) -> int:
        with open_bundle(path, model=MODEL, opened_with=None) as bundle:
            return sum(len(batch.records) for batch in bundle.batches)

    return from_file(read)(HEAD.pack(UNSEALED_MAGIC, len(stated)) + stated + data, folder)


def assertion(data: bytes, _: Path) -> object:
    registered = Registered(TRUSTED, frozenset())
    token = sign(data, KEY, kind=ASSERTION_KIND)
    return verified_assertion(token, registered=registered, issuer=ISSUER, now=NOW)


def bare_assertion(data: bytes, _: Path) -> object:
    registered = Registered(TRUSTED, frozenset())
    return verified_assertion(data.decode("latin-1"), registered=registered, issuer=ISSUER, now=NOW)


def statement(data: bytes, _: Path) -> object:
    document = {"statement": sign(data, RECEIPTS, kind=KEYS_KIND)}
    return verified_statement(document, {RECEIPTS.key_id: RECEIPTS.public()}, url=ISSUER)


def named(key: EcPublicKey) -> dict[str, str]:
    return {"kid": key.key_id, **public_jwk(key.key)}


def evaluation_bundle(folder: Path) -> tuple[dict[str, object], bytes]:
    made_up = MadeUp(records=40, seed=3)
    batches = [made_up_batch(made_up, range(20), MODEL), made_up_batch(made_up, range(20, 40), MODEL)]
    write_made_up_bundle(folder / "sample.bundle", batches, made_up, MODEL)
    data = (folder / "sample.bundle").read_bytes()
    _, length = HEAD.unpack_from(data)
    return json.loads(data[HEAD.size : HEAD.size + length]), data[HEAD.size + length :]


def extract(folder: Path) -> bytes:
    registrations = generate(SimulationSettings(registrations=120, doubles=0.1, seed=4, day=date(2026, 11, 22)))
    write_extracts(registrations.registrations.assign(aanbieder_agb="12345678"), folder)
    return (folder / "12345678.csv").read_bytes()


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parser]:
    folder = tmp_path_factory.mktemp("samples")
    manifest, body = evaluation_bundle(folder)
    MANIFEST.update(manifest)
    bundle = sealed_bundle(MODEL, sign_with=KEY, sealed_to="k" * 43, snapshot_date=NOW.date(), created_at=NOW)
    length = int.from_bytes(bundle[8:12], "big")
    moment = int(NOW.timestamp())
    claims = {"iss": "vitaal", "sub": "vitaal", "aud": ISSUER, "jti": "j" * 32, "iat": moment, "exp": moment + 120}
    regions = read_regions(CONFIG / "regions.csv")
    told = {
        "issuer": ISSUER,
        "issued_at": "2026-11-22T01:00:00Z",
        "expires_at": "2026-11-22T01:05:00Z",
        "token_endpoint": f"{ISSUER}/v1/token",
        "sealing": [named(SealingPrivateKey.generate().public())],
        "receipts": [named(RECEIPTS.public())],
        "models": ["0" * 64],
        "limits": {"chunk_bytes": 1, "bundle_bytes": 1, "open_uploads": 1, "token_seconds": 1, "upload_seconds": 1},
    }
    contracts = "ksv;aanbieder_agb;naam;verzekeraar;van;tot\nKSV01;12345678;Zorg;Z;2026-01-01;2026-12-31\n"
    return {
        "json": Parser(canonical_json(manifest), json_bytes),
        "bundle": Parser(bundle, sealed_outside),
        "manifest": Parser(take_apart(bundle[12 : 12 + length], kind=MANIFEST_KIND).payload, signed_manifest),
        "body": Parser(body, vouched_body),
        "claims": Parser(canonical_json(claims), assertion),
        "assertion": Parser(sign(canonical_json(claims), KEY, kind=ASSERTION_KIND).encode(), bare_assertion),
        "statement": Parser(canonical_json(told), statement),
        "digest": Parser(b"sha-256=:" + b"A" * 43 + b"=:", lambda data, _: sha256_of(data.decode("latin-1"))),
        "extract": Parser(
            extract(folder), from_file(lambda path: check_extract(path, today=NOW.date(), regions=regions))
        ),
        "contracts": Parser(contracts.encode(), lambda data, _: read_contracts(data)),
        "regions": Parser((CONFIG / "regions.csv").read_bytes(), from_file(read_regions)),
        "model": Parser((CONFIG / "linkage" / "febrl.toml").read_bytes(), from_file(load_model)),
        "rules": Parser((CONFIG / "rules.toml").read_bytes(), from_file(load_rules)),
        "key": Parser(
            key_document(LinkageKey.generate(), created=NOW), from_file(lambda path: read_key(path, LinkageKey))
        ),
    }


MANIFEST: dict[str, object] = {}
NAMES = [
    "json", "bundle", "manifest", "body", "claims", "assertion", "statement", "digest", "extract", "contracts",
    "regions", "model", "rules", "key",
]  # fmt: skip


@dataclass
class Seen:
    """What came of all tries: how many there were, how many were refused, and the longest line of a refusal."""

    tries: int = 0
    refused: int = 0
    longest: int = 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("examples", "minutes"),
    [
        pytest.param(40, 0, id="40-tries"),
        pytest.param(4_000, 10, marks=[pytest.mark.trial, pytest.mark.timeout(3600)], id="10-minutes"),
    ],
)
def test_hostile_bytes_are_taken_or_refused(
    parsers: dict[str, Parser], tmp_path: Path, name: str, examples: int, minutes: int
) -> None:
    assert set(parsers) == set(NAMES), "a parser that is not tried"
    parser = parsers[name]
    parser.parse(parser.sample, tmp_path)
    # The peak starts anew from what is in use now: one that another test reached would hide all growth.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=examples, deadline=timedelta(seconds=10), suppress_health_check=list(HealthCheck), database=None
    )
    @given(spoiled(parser.sample))
    def check(data: bytes) -> None:
        seen.tries += 1
        try:
            parser.parse(data, tmp_path)
        except DedupError as error:
            seen.refused += 1
            seen.longest = max(seen.longest, *map(len, error.message.splitlines()))

    seen, until = Seen(), time.monotonic() + 60 * minutes
    check()
    while time.monotonic() < until:
        check()
    print(f"{name}: {seen.tries:,} tries, {seen.refused:,} refused")  # noqa: T201 # what a trial comes to; -rP shows it
    assert seen.refused, "nothing that was spoiled was refused"
    assert seen.longest < 600, "a refusal repeats what it was given"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 << 10, f"{grown >> 10} MiB more than before"
