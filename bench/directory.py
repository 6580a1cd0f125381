"""A nation's directory: read from CSV and XLSX, and asked whom its plans reach."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.measure import Figure

ROWS = 20_000
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
HEAD = ("id", "role", "unit", "name", "channels", "phone", "valid_from", "valid_to", "quiet")
ROLES = ("focal", "head", "chair", "duty", "office", "support")
CONFIG = """
name: {{vi: Cả nước, en: Nation}}
store: "memory:"
rules: [service_health]
directory: {directory}
units:
  nation: true
  provinces: all
probes:
  - {{id: centre, kind: tcp, units: {{level: commune}}, gives: centre_reachable, host: 127.0.0.1, port: 8868, period: 60s}}
channels:
  log: {{kind: log}}
roles: {{{roles}}}
escalation:
  via: [log]
  policies:
    - name: all
      kinds: [outage, kpi_yellow, kpi_red, overdue, silent]
      steps:
        - {{after: 0s, to: [focal]}}
        - {{after: 30m, to: [head]}}
        - {{after: 2h, to: [chair, duty]}}
        - {{after: 4h, to: [office, support]}}
network:
  allow: ["127.0.0.0/8:8868"]
"""


def run() -> list[Figure]:
    """Seconds of reading 20,000 rows and of the coverage of all units, with what they are measured against."""
