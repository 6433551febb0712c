"""The alternatives, as programs of their own: each copies one topic to another and prints what it took as JSON.

``python PROGRAM bootstrap source target count`` → ``{"count", "seconds", "cpu"}``, from the first batch to the last
confirmation. All do the same job: read a report, check it, write it out again with its key.
"""
