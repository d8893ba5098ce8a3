"""Many vendors at once: each bundle gets its receipt, nothing is answered 5xx, memory does not follow the files."""

from __future__ import annotations

import pytest

MOST_MEMORY = 300 << 20


def test_a_sample_of_the_trial_in_the_shape_that_stays(bench):
    measured = bench("upload", "--vendors", 6, "--uploads", 2, "--mebibytes", 3)
    ours = measured["ours"]

    assert measured["records"] == 12
    assert {"seconds", "cpu_seconds", "peak_rss_bytes", "bytes_per_second", "share_of_limit", "answers"} <= set(ours)
    assert (ours["answers_5xx"], ours["answers"]["201"]) == (0, 12)
    assert ours["peak_rss_bytes"] < MOST_MEMORY
    assert {"durable_write", "sha256"} <= set(measured["limits"])


@pytest.mark.trial
@pytest.mark.timeout(7200)
def test_fifty_vendors_upload_twenty_bundles_of_50_mib_each(bench):
    ours = bench("upload", "--vendors", 50, "--uploads", 20, "--mebibytes", 50)["ours"]

    assert ours["answers_5xx"] == 0
    assert ours["answers"]["201"] == 1_000
    assert ours["peak_rss_bytes"] < MOST_MEMORY
