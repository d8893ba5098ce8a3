"""Opens accepted bundles, checks them, keys every entry a second time and stores the two views."""
