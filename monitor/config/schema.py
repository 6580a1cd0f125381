"""JSON Schema of the files of a site, for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from monitor.config.models import SiteFile
from monitor.config.rulemodels import BookModel, CatalogueModel, RegisterModel

_MODELS: dict[str, type[BaseModel]] = {
    "config": SiteFile,
    "book": BookModel,
    "indicators": CatalogueModel,
    "exceptions": RegisterModel,
}
_TITLES = {
    "config": "denbao: config.yaml",
    "book": "denbao: rules/<book>.yaml",
    "indicators": "denbao: rules/indicators.yaml",
    "exceptions": "denbao: rules/exceptions.yaml",
}
NAMES = tuple(_MODELS)


def json_schema(name: str = "config") -> dict[str, Any]:
    """The schema (draft 2020-12) of one kind of file, one of NAMES. Raises KeyError for another."""
    schema = _MODELS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": _TITLES[name]}
