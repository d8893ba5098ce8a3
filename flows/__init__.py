"""Prefect flows: schedules and retries around the rooms of `dedup`, without logic of their own."""
