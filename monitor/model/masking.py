"""Personal data as it may stand in logs and listings: enough to recognise what one knows, too little to use."""

from __future__ import annotations


def masked_name(name: str) -> str:
    """The initials of a person's name: `N.V.A` for `Nguyễn Văn An`."""
    return ".".join(word[0] for word in name.split())


def masked_address(address: str) -> str:
    """A number or other address: the last three characters, `*****678`; of a mail address `a***@tinh.example`."""
    local, at, domain = address.rpartition("@")
    if at:
        return f"{local[:1]}***@{domain}"
    return f"*****{address[-3:]}" if len(address) > 6 else "*****"
