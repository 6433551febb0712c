"""The order of steps of the door's use cases: ``reports``, ``context``, ``people``."""
