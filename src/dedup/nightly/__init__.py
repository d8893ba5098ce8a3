"""The nightly run as stages that resume: receive, ingest, link, findings, reports."""
