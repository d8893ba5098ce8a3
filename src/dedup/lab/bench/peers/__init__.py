"""Scripts that let a peer do what is measured; each runs in that peer's environment and imports nothing of ours."""
