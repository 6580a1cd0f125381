"""What is wrong with a site, one finished sentence for each mistake."""

from __future__ import annotations

from dataclasses import dataclass

Location = tuple[str | int, ...]  # the way to a value in a document: ("probes", 0, "url")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one file. `str()` gives the sentence that the user reads."""

    file: str  # as the user names it: "config.yaml", "rules/service_health.yaml"
    line: int  # 1-based
    what: str  # what is wrong; never holds the value of a secret
    right: str = ""  # what would be right
    warning: bool = False  # true: worth knowing, and no mistake

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" + (f"; {self.right}" if self.right else "")
