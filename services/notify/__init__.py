"""VOICE.

In:   report-located, situation-changed, person-erased.
Does: decides who is told, how and when, keeps a ledger of every message, hands each over, once.
Out:  mail, SMS, cards and webhooks; alert-answered; its pages.
Owns: plans of routing, subscriptions, alerts, deliveries, a copy of who may be told.
"""
