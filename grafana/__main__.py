"""`python -m grafana`: write grafana/dashboards/*.json and Grafana's alert rules anew. Equal code gives equal bytes."""

from __future__ import annotations

from pathlib import Path

from grafana.alerting import provisioned
from grafana.boards import rendered

FOLDER = Path(__file__).parent / "dashboards"
ALERTS = Path(__file__).parent / "provisioning" / "alerting" / "denbao.yaml"


def main() -> None:
    """Write every board; what no board made is taken away."""
    made = rendered()
    for stale in {path.name for path in FOLDER.glob("*.json")} - set(made):
        (FOLDER / stale).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    ALERTS.write_text(provisioned(), encoding="utf-8")
    print(f"{len(made)} boards in {FOLDER}")


if __name__ == "__main__":
    main()
