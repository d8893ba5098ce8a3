"""The source side's encoding: block tokens and block-keyed sketches, as `docs/spec/encoding-v1.md` defines them."""
