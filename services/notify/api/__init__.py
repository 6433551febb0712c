"""HTTP in: subscriptions and preferences, alerts, the plan of routing, places outside, receipts of providers."""
