"""What probes and feeds have in common in config.yaml: how often to ask, how long to wait, and for which units."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from monitor.config.fields import Code, Identifier, SecretFile, SitePath, Span
from monitor.config.yaml import Section

LevelName = Literal["nation", "province", "commune", "system"]


class Selector(Section):
    """Some of the site's units: by level and province, or by code."""

    level: LevelName | None = None
    province: Code | None = None
    codes: list[Code] = Field(default=[])

    @model_validator(mode="after")
    def _chooses(self) -> Selector:
        if bool(self.codes) == bool(self.level or self.province):
            raise ValueError("chooses no units; write either codes, or level and province")
        return self


class Asked(Section):
    """What every source has."""

    id: Identifier = Field(description="write a name of its own")
    period: Span = Field(description="write how often to ask, such as 30s")
    timeout: Span = 10.0


class Certified(Section):
    """What says whom to trust over TLS, and who asks."""

    authority: SitePath | None = None  # PEM of the authority that signs the target's certificate
    client_certificate: SecretFile | None = None  # PEM of certificate and key
