"""What the server keeps: the registry, the encrypted link views and attribute stores, and the run lock."""
