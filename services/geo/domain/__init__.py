"""Pure decisions of place: ``areas`` (point in polygon), ``placing`` (reports), ``names`` (published place names)."""
