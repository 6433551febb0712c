"""PLACE.

In:   report-received, context-received.
Does: settles where each report is, in every layer, and says how sure it is; publishes the layers.
Out:  report-located, context-located.
Owns: layers, placements.
"""
