"""The OpenAPI document, made from the one table of routes, so that it cannot tell another story."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from monitor.model.colour import Colour
from monitor.model.reading import Comparator
from monitor.service.heartbeats import Signal
from monitor.web import api
from monitor.web.access import MAY, OPEN_ON_LOOPBACK, Right
from monitor.web.route import Parameter, Route

_PROBLEM: Mapping[str, object] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_READING: Mapping[str, object] = {
    "type": "object",
    "required": ["unit", "indicator", "value", "as_of"],
    "additionalProperties": False,
    "properties": {
        "unit": {"type": "string", "description": "code, leading zeros kept"},
        "indicator": {"type": "string"},
        "value": {"oneOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}]},
        "as_of": {"type": "string", "description": "ISO 8601; without an offset it is the site's time"},
        "comparator": {"type": "string", "enum": [sign.value for sign in Comparator], "default": "="},
        "numerator": {"type": ["number", "null"], "minimum": 0},
        "denominator": {"type": ["number", "null"], "minimum": 0},
        "note": {"type": "string"},
    },
}
SCHEMAS: Mapping[str, object] = {
    "Problem": _PROBLEM,
    "Colour": {"type": "string", "enum": [colour.value for colour in Colour]},
    "Reading": _READING,
    "Readings": {
        "type": "object",
        "required": ["readings"],
        "additionalProperties": False,
        "properties": {
            "readings": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1000,
                "items": {"$ref": "#/components/schemas/Reading"},
            },
            "feed": {"type": "string", "description": "the feed for which a person brings them; its silence ends"},
        },
    },
    "Heartbeat": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "signal": {"type": "string", "enum": [signal.value for signal in Signal], "default": "success"},
            "note": {"type": "string"},
        },
    },
    "Reply": {
        "type": "object",
        "description": "Which fields hold id, sender and text is set for each channel; others are left alone.",
        "required": ["id", "from"],
        "properties": {"id": {"type": "string"}, "from": {"type": "string"}, "text": {"type": "string"}},
    },
    "Acknowledgement": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "note": {"type": "string"},
            "party": {"type": "string", "description": "for whom, where the incident awaits several"},
            "minutes": {"type": "integer", "minimum": 1, "maximum": api.ACK_LIMIT, "description": "how long it counts"},
        },
    },
    "Order": {
        "type": "object",
        "required": ["matchers", "comment"],
        "additionalProperties": False,
        "properties": {
            "matchers": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "string"}},
            "comment": {"type": "string", "minLength": 1},
            "from": {"type": "string", "description": "ISO 8601; without an offset it is the site's time; default now"},
            "for": {"type": "string", "description": "how long, such as 30m, 2h, 1d"},
            "until": {"type": "string", "description": "ISO 8601; a day is counted in full"},
            "every": {"type": "string", "description": "maintenance only: day, mon,thu, 1,15, last, 2nd sun"},
            "at": {"type": "string", "description": "maintenance only: local clock time, 22:00"},
        },
    },
    "Nothing": {"type": "object", "additionalProperties": False},
    "Object": {"type": "object"},
}
_REFUSALS = {"400": "not understood", "401": "a token is needed", "403": "not allowed", "429": "too often"}


def document(routes: Iterable[Route], title: str) -> dict[str, object]:
    """OpenAPI 3.1 of all routes made for programs."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        if route.answers is not None:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "id.secret"}},
        },
    }


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "summary": route.summary,
        "operationId": route.name,
        "parameters": [*_in_path(route.path), *(_in_query(one) for one in route.query)],
        "responses": _responses(route),
        "security": _security(route.right),
        "x-roles": sorted(role for role, rights in MAY.items() if route.right in rights),
    }
    if route.body:
        schema = {"$ref": f"#/components/schemas/{route.body}"}
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _responses(route: Route) -> dict[str, object]:
    good = {"description": "done", "content": {route.answers: {}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = _REFUSALS if route.right is not Right.PUBLIC else {}
    bad = {status: {"description": text, "content": problem} for status, text in {**told, **route.problems}.items()}
    return {"200": good, **bad}


def _security(right: Right) -> list[dict[str, list[str]]]:
    if right is Right.PUBLIC:
        return []
    token: dict[str, list[str]] = {"token": []}
    return [{}, token] if right in OPEN_ON_LOOPBACK else [token]


def _in_path(path: str) -> list[dict[str, object]]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(parameter: Parameter) -> dict[str, object]:
    return {"name": parameter.name, "in": "query", "schema": dict(parameter.schema)}
