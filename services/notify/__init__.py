"""VOICE.

In:   report-located (situation-changed is agreed, not built yet).
Does: decides who is told, keeps a ledger of every message, hands mail over, once.
Out:  mail; alert-answered (agreed, not built yet).
Owns: subscriptions, deliveries, a copy of contact details.
"""
