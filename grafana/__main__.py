"""`python -m grafana`: write grafana/dashboards/*.json anew from grafana/boards. The same code gives the same bytes."""

from __future__ import annotations

from pathlib import Path

from grafana.boards import rendered

FOLDER = Path(__file__).parent / "dashboards"


def main() -> None:
    """Write every board; what no board made is taken away."""
    made = rendered()
    for stale in {path.name for path in FOLDER.glob("*.json")} - set(made):
        (FOLDER / stale).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(made)} boards in {FOLDER}")


if __name__ == "__main__":
    main()
