"""`network.allow`: what the admin lets the product dial besides plainly public addresses."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WIDEST = 8
_RIGHT = "write a network and its ports, such as 10.1.0.0/16:443,8443 or [fd12::/48]:443"


@dataclass(frozen=True, slots=True)
class AllowRule:
    """One entry of the admin's allow-list: these addresses on these ports (None: every port)."""

    network: Network
    ports: frozenset[int] | None

    def permits(self, address: Address, port: int) -> bool:
        """Whether the rule lets this address and port be dialled. Port 0 is a ping, which has none."""
        in_network = address.version == self.network.version and address in self.network
        return in_network and (self.ports is None or port in self.ports)


def parse_allow(text: str) -> AllowRule:
    """Read `127.0.0.0/8:8867`, `10.1.0.0/16:443,8443`, `[fd12::/48]:443` or, for every port, `10.1.2.3:*`.

    Raises ValueError with a sentence that says what would be right.
    """
    shown = text[:60]
    cidr, separator, ports = text.strip().rpartition(":")
    bracketed = cidr.startswith("[") and cidr.endswith("]")
    if not separator or (":" in cidr and not bracketed):
        raise ValueError(f"is '{shown}'; {_RIGHT}")
    try:
        network = ip_network(cidr[1:-1] if bracketed else cidr)
    except ValueError as error:
        why = f": {error}" if "host bits" in str(error) else ""
        raise ValueError(f"is '{shown}'{why}; {_RIGHT}") from None
    if network.prefixlen < _WIDEST:
        raise ValueError(f"is '{shown}', wider than /{_WIDEST}; allow the networks of the targets, not everything")
    return AllowRule(network, _parse_ports(ports))


def _parse_ports(ports: str) -> frozenset[int] | None:
    if ports.strip() == "*":
        return None
    words = [word.strip() for word in ports.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= 65535 for word in words):
        raise ValueError(f"has the ports '{ports[:60]}'; write numbers from 1 to 65535 separated by commas, or *")
    return frozenset(int(word) for word in words)
