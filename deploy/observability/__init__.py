"""Watching: alarms for Prometheus, a dashboard for Grafana built from code, and how both find the rooms."""
