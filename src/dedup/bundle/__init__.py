"""The one format that both sides share: sealed, signed bundles and the key files that go with them."""
