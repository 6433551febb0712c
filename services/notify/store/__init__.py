"""SQL of the voice: subscriptions and plans, who may be told, notices and alerts, the ledger, what waits."""
