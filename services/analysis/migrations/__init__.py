"""Migrations of the analysis schema: plain SQL steps, run by the owner role."""
