"""Whom geo asks: other rooms, and the servers of base maps."""
