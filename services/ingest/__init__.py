"""DOOR.

In:   reports and corrections over HTTP, published police events, logins.
Does: says who is asking, checks, gives each report its identity and revisions, answers after the commit.
Out:  report-received, context-received, appointment-changed, through the outbox.
Owns: municipalities, organisations, people, keys, reports with their text.
"""
