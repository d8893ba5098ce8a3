"""Reads a bundle and believes nothing: outside first, then signature, digest, seal, and each batch by itself.

Nothing that a bundle states about its own size is used before it is compared with a limit or with the file.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from dedup.bundle.canonical import parse_json
from dedup.bundle.container import Container, FileState, check_body, read_body
from dedup.bundle.keys import KeyId, SealingPrivateKey
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import check_fits, opened, stated
from dedup.bundle.payload import (
    MAX_BATCH_BYTES,
    MAX_STATISTICS_BYTES,
    BatchLayout,
    BundleBatch,
    RawBatch,
    follows,
    read_batch,
    read_raw_batch,
)
from dedup.bundle.sealing import bundle_info, open_chunks, open_secret
from dedup.bundle.vendors import TrustedVendors
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

SealingKeys = Mapping[KeyId, SealingPrivateKey]
_PART_BYTES = 1 << 20


@dataclass(slots=True)
class OpenBundle:
    """A bundle whose outside was verified; its batches can be iterated once, and raise on the first fault.

    Use it in a `with` block, and keep nothing of it until the iteration has ended without an error.
    """

    manifest: Manifest
    statistics: Mapping[str, Any]
    model: LinkageModel
    state: FileState  # of the file before anything of it was read
    stream: _Stream
    file: BinaryIO

    @property
    def batches(self) -> Iterator[BundleBatch]:
        """Iterate over the batches, each checked by itself and against the one before it."""
        last_id = ""
        for data in self._parts():
            batch = read_batch(data, self.model, provider=self.manifest.provider)
            last_id = follows(batch, last_id)
            yield batch

    def raw_batches(self, layout: BatchLayout) -> Iterator[RawBatch]:
        """Iterate over the batches with their records checked and their columns unread: for evaluation only.

        `layout` is that of the model. The bytes of a batch last as long as the batch.
        """
        for data in self._parts():
            yield read_raw_batch(data, layout)

    def _parts(self) -> Iterator[memoryview]:
        with self.file:
            while not self.stream.ended():
                length = int.from_bytes(self.stream.take(8), "big")
                if length > MAX_BATCH_BYTES:
                    raise BundleError("bundle.oversize", f"A batch is larger than {MAX_BATCH_BYTES >> 20} MiB.")
                yield self.stream.take(length)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_bundle(
    path: Path,
    *,
    model: LinkageModel,
    opened_with: SealingPrivateKey | SealingKeys | None,
    trusted: TrustedVendors | None = None,
    epochs: Collection[str] | None = None,
    hold: int = 0,
    checked: FileState | None = None,
) -> OpenBundle:
    """Open a bundle for reading; verifies all that `read_manifest` does, on the same open file.

    `opened_with` is the server's sealing key, or several of them by id; None opens unsealed evaluation bundles only.
    `epochs`, when given, lists the linkage keys whose bundles are accepted. A body of at most `hold` bytes is read once
    and held, a larger one is read twice and never held; that of a file which was opened before and is still in the
    state `checked` is not hashed again. Raises `BundleError` as `read_manifest`, and `bundle.wrong-model`,
    `bundle.wrong-epoch`, `bundle.sealed`, `bundle.wrong-key`; while iterating also `bundle.payload-malformed`,
    `bundle.batch-malformed`.
    """
    file = opened(path)
    try:
        state = FileState.of(file)
        manifest, container = stated(file, trusted)
        body = _body(file, container, manifest, hold, checked=state == checked)
        check_fits(manifest, model=model, epochs=epochs)
        if manifest.sealing is None:
            parts = iter(lambda: body.read(_PART_BYTES if body is file else -1), b"")
        else:
            content_key = _content_key(manifest, opened_with)
            parts = open_chunks(body, manifest.body_bytes, content_key, bytes.fromhex(manifest.submission_id))
        stream = _Stream(parts)
        statistics = _read_statistics(stream)
        return OpenBundle(manifest, statistics, model, state, stream, file)
    except BaseException:
        file.close()
        raise


def refuse_replay(manifest: Manifest, known: Mapping[str, str]) -> None:
    """Raise `BundleError` (`bundle.replayed`) when a known submission id comes back with another body.

    `known` maps submission ids that were accepted to their body digests. The same id with the same digest is a
    duplicate of what is held already: no error, and for the caller to count once.
    """
    if known.get(manifest.submission_id, manifest.body_sha256) != manifest.body_sha256:
        raise BundleError("bundle.replayed", "The bundle reuses the submission id of another bundle.")


def _body(file: BufferedReader, container: Container, manifest: Manifest, hold: int, *, checked: bool) -> BinaryIO:
    """Return the body, its digest checked unless it was before: held in memory when it is small, else to be read."""
    start, size, digest = container.body_start, manifest.body_bytes, manifest.body_sha256
    if size <= hold:
        return io.BytesIO(file.read(size) if checked else read_body(file, start, size, digest))
    if not checked:
        check_body(file, start, size, digest)
        file.seek(start)
    return file


def _content_key(manifest: Manifest, opened_with: SealingPrivateKey | SealingKeys | None) -> bytes:
    sealing, signed_by = manifest.sealing, manifest.signed_by
    if sealing is None or signed_by is None or opened_with is None:
        raise BundleError("bundle.sealed", "The bundle is sealed; name the server's sealing key to open it.")
    keys = {opened_with.key_id: opened_with} if isinstance(opened_with, SealingPrivateKey) else opened_with
    key = keys.get(sealing.key_id)
    if key is None:
        raise BundleError("bundle.wrong-key", "The bundle is sealed to a key that is not, or no longer, this server's.")
    try:
        return open_secret(sealing.sealed_key, key.key, bundle_info(key.key_id, signed_by, manifest.submission_id))
    except ValueError as error:
        raise BundleError(
            "bundle.wrong-key", "The bundle's content key does not open: it was sealed wrongly."
        ) from error


class _Stream:
    """Gives exact numbers of bytes out of a stream of parts, and says when it has ended."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def take(self, count: int) -> memoryview:
        if count <= len(self._rest):  # nothing to join, so nothing to copy
            taken, self._rest = self._rest[:count], self._rest[count:]
            return taken
        pieces = []
        while count:
            if self.ended():
                raise _payload_malformed("it ends before its content does")
            pieces.append(self._rest[:count])
            self._rest = self._rest[count:]
            count -= len(pieces[-1])
        return memoryview(b"".join(pieces))

    def ended(self) -> bool:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return True
            self._rest = memoryview(part)
        return False


def _read_statistics(stream: _Stream) -> Mapping[str, Any]:
    length = int.from_bytes(stream.take(4), "big")
    if length > MAX_STATISTICS_BYTES:
        raise BundleError("bundle.oversize", f"The bundle's statistics are larger than {MAX_STATISTICS_BYTES} bytes.")
    try:
        statistics = parse_json(bytes(stream.take(length)))
    except ValueError as error:
        raise _payload_malformed("its statistics are not unambiguous JSON") from error
    if not isinstance(statistics, dict):
        raise _payload_malformed("its statistics are not an object")
    return statistics


def _payload_malformed(rule: str) -> BundleError:
    return BundleError("bundle.payload-malformed", f"The bundle's content cannot be used: {rule}.")
