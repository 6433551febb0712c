"""Migrations of the ingest schema: plain SQL steps, run by the owner role."""
