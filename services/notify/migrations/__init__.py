"""Migrations of the notify schema: plain SQL steps, run by the owner role."""
