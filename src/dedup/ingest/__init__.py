"""Opens accepted bundles, checks them, keys every entry a second time, and stores entries and attributes apart."""
