"""Layers that tell areas: ``shipped`` (RegSO, kommun, län), a municipality's ``own``, imported or drawn, by version."""
