"""The server's door: bundles from the inbox are verified and accepted once, with a receipt."""
