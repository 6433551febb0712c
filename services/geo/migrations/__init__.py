"""Migrations of the geo schema: plain SQL steps, run by the owner role."""
