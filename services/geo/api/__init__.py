"""HTTP in: ``layers``, ``placements`` of reports, ``geocoding`` of texts and points."""
