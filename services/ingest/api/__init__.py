"""HTTP in, for programs: ``reports``, ``context``, ``access``."""
