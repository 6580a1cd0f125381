"""What may leave the house: sentences without addresses of machines and people, for readers without a login."""

from __future__ import annotations

import re

HIDDEN = "[…]"
_ADDRESS = re.compile(
    r"""
      [a-z][a-z0-9+.-]*://\S+                                  # an address with its scheme
    | \S+@[\w-]+(?:\.[\w-]+)+                                  # mail
    | (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w])       # IPv4
    | (?<![\w:])(?:[0-9a-f]{0,4}:){3,}[0-9a-f.]*               # IPv6
    | (?<![\w:])[0-9a-f]{0,4}::[0-9a-f:.]*                     # ... shortened
    | \[[0-9a-f:]+\]:\d+
    | (?<![\w.-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?![\w])   # a host by name
    | (?<![\w.])[a-z][\w-]*:\d{2,5}(?!\w)                      # a host without dots, with its port
    | (?<![\w/.])(?:/[\w.-]+){2,}/?                            # a file
    | (?<![\w,.])(?:\+?84|0)(?:[ .-]?\d){8,10}(?![\d,])        # a telephone
    """,
    re.VERBOSE | re.IGNORECASE,
)


def outside(text: str) -> str:
    """The text with every address and telephone number in it hidden."""
    return _ADDRESS.sub(HIDDEN, text)
