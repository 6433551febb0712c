"""PICTURE.

In:   report-located, context-located.
Does: keeps facts with their history, and views that are sums of pure contributions.
Out:  situation-changed (agreed, not built yet); numbers over HTTP, the overview page.
Owns: facts, history, views.
"""
