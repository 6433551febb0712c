"""The door's only place with SQL: ``reports``, ``context`` and ``people``."""
