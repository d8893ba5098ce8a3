"""What the server says of itself is what was frozen, and what it does is what it says: schemathesis asks everything."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from tests.service.uploading import CHUNK, PROVIDER, Vendor, free_port, running, service_at, settle

from dedup.bundle.keys import SigningKey
from dedup.service.app import described_app
from dedup.service.openapi import frozen

FROZEN = Path(__file__).parents[2] / "docs" / "spec" / "openapi-v1.json"
OPERATIONS = [(path, method) for path, methods in described_app().openapi()["paths"].items() for method in methods]

# Refusals of requests that are right by the description: it knows neither this server's limits nor earlier requests.
BY_WHAT_WENT_BEFORE = ("upload.too-large", "upload.key-reused")


@schemathesis.serializer(CHUNK)
def chunk(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def test_the_openapi_document_is_the_one_that_was_frozen() -> None:
    assert FROZEN.read_text("utf-8") == frozen(described_app()), (
        "the API changed: see whether vendors must hear of it, then dedup serve --openapi > docs/spec/openapi-v1.json"
    )


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """A vendor at a running server, with uploads in every state."""
    home, port, now = tmp_path_factory.mktemp("site") / "server", free_port(), datetime.now(UTC).replace(microsecond=0)
    key = SigningKey.generate()
    settle(home, {"acme": key}, now)
    service = service_at(
        home, port, lambda: datetime.now(UTC), token_seconds=86_400, failures_per_minute=1_000_000, open_uploads=10**6
    )
    with running(service, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        vendor = Vendor("acme", key, http, service.keys.now().sealing[0].key_id, now, now.date())
        vendor.token()
        yield vendor
    service.store.close()


def check_operation(acme: Vendor, path: str, method: str, examples: int) -> None:
    """Ask one operation everything that its description allows, and much that it does not."""
    document = described_app().openapi()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(acme.http.base_url))
    operation = schema[path][method.upper()]
    data, declared = acme.bundle(bytes(1 << 20))  # more than all chunks together
    assert acme.create(declared).status_code == 201
    asked = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])
    seen: Counter[tuple[str, int]] = (
        Counter()
    )  # requests by whether they were right by the description, and their answers

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=asked, aimed=st.booleans(), with_token=st.sampled_from([True, True, True, False]))
    def ask(case: Any, aimed: bool, with_token: bool) -> None:
        mode = case.meta.generation.mode
        aimed = aimed and mode is GenerationMode.POSITIVE  # what is wrong by design stays so
        if aimed and "submission_id" in case.path_parameters:
            case.path_parameters["submission_id"] = declared.submission_id
        if aimed and path == "/v1/submissions" and method == "post":
            case.body |= {"provider": PROVIDER, "bytes": len(data)}
        if aimed and method == "patch":
            body = data[: 1 << 10]
            case.body = body
            case.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
            case.headers["Upload-Offset"] = acme.call("HEAD", acme.path(declared)).headers["Upload-Offset"]
        headers = {"Authorization": f"Bearer {acme.token()}"} if with_token else {}
        response = case.call(headers=headers)
        seen[mode.value, response.status_code] += 1
        assert response.status_code < 500, response.text
        left_out = []
        if aimed and method == "patch":  # a chunk of real bytes is no text, which is taken for a fault of the request
            left_out.append(negative_data_rejection)
        if any(code in response.text for code in BY_WHAT_WENT_BEFORE):
            left_out.append(positive_data_acceptance)
        case.validate_response(response, excluded_checks=left_out)

    ask()
    print(f"{method} {path}: {seen.total()} cases, {dict(seen)}")  # noqa: T201 # what a trial comes to; -rP shows it
    assert seen


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_call_does_what_its_description_says(acme: Vendor, path: str, method: str) -> None:
    check_operation(acme, path, method, examples=12)


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_call_does_so_however_often_it_is_asked(acme: Vendor, path: str, method: str) -> None:
    check_operation(acme, path, method, examples=300)
