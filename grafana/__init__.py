"""Grafana's part of a site: boards as code, the JSON made from it, and the files that Grafana starts with."""
