"""All boards in both languages, as the JSON files that Grafana reads."""

from __future__ import annotations

import json
from collections.abc import Mapping

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.boards import commune, itself, nation, oncall, province, systems, targets
from grafana.boards.language import LANGUAGES

MAKERS = {
    "nation": nation.board,
    "province": province.board,
    "commune": commune.board,
    "targets": targets.board,
    "oncall": oncall.board,
    "systems": systems.board,
    "monitor": itself.board,
}


def boards() -> Mapping[str, Dashboard]:
    """Every board by the name of its file without the ending, such as `nation.vi`."""
    return {f"{name}.{say.code}": make(say).build() for say in LANGUAGES for name, make in MAKERS.items()}


def rendered() -> Mapping[str, str]:
    """File name -> text. Keys are sorted, so that a changed board is a readable difference."""
    return {f"{name}.json": _text(board) for name, board in boards().items()}


def _text(board: Dashboard) -> str:
    return json.dumps(board, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
