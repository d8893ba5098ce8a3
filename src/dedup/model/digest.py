"""The digest of a linkage model: SHA-256 over what changes encoded bytes, and nothing else."""

from __future__ import annotations

import hashlib
import json

from dedup.model.linkage import Attribute, Field, Pass, TableFormat

SCHEME = "dedup/v1"


def model_digest(
    table: TableFormat | None,
    attributes: tuple[Attribute, ...],
    fields: tuple[Field, ...],
    passes: tuple[Pass, ...],
) -> str:
    """Return 64 hex digits over the canonical JSON of table, attributes, fields and passes.

    Canonical: UTF-8, keys sorted by code point, no white space, no escapes of non-ASCII letters. Left out is what
    changes no byte: the declared entropy of attributes, the model's name and version, thresholds and u. Attributes
    are an object, so their order does not count; that of fields (presence bits) and passes (layout) does.
    """
    document = {
        "scheme": SCHEME,
        "table": None if table is None else {"id_column": table.id_column, "separator": table.separator},
        "attributes": {a.name: {"rule": a.rule, "columns": list(a.columns), "of": a.of} for a in attributes},
        "fields": [
            {"number": f.number, "name": f.name, "attribute": f.attribute, "tokens": f.tokens.value, "bits": f.bits}
            for f in fields
        ],
        "passes": [{"number": p.number, "attributes": list(p.attributes), "omits": list(p.omits)} for p in passes],
    }
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()
