"""What the corpus is sent to: a running server, an inbox, and commands under limits; and how memory is measured."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.hostile.limits import Limited, limited
from tests.service.site import Site, open_site


@contextmanager
def little_memory(most: int) -> Iterator[None]:
    """Fail when the block makes this process use so many bytes more than before."""
    # The peak starts anew from what is in use now: one that another test reached would hide all growth.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) << 10
    assert grown < most, f"{grown >> 20} MiB more than before"


def files_with(word: str, folder: Path) -> list[str]:
    """Return the files under a folder that hold a word, in UTF-8 or UTF-16, or have it in their name."""
    spelt = [word.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if word in path.name or (path.is_file() and any(one in path.read_bytes() for one in spelt))
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    with limited(tmp_path_factory.mktemp("commands")) as process:
        yield process
