"""PICTURE.

In:   report-located, context-located, appointment-changed, alert-answered.
Does: keeps facts with their history, views that are sums of pure contributions; seeks what is unusual every week.
Out:  situation-changed; numbers over HTTP, its pages.
Owns: facts, history, views, runs and cases.
"""
