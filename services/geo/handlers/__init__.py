"""The use cases of place: ``placing`` what arrives, ``replacing`` what was placed before."""
