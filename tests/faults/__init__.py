"""Faults on real servers, each with a tally of the sender's ledger against SQL: ``make faults`` runs them all."""
