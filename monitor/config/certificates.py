"""TLS settings from files of the site, checked when the config is read: a broken file is refused with its line."""

from __future__ import annotations

import ssl
from pathlib import Path

from monitor.config.secrets import secret_path


def tls_settings(root: Path, authority: Path | None, certificate: str | None) -> ssl.SSLContext | None:
    """Verified TLS that trusts `authority` (a PEM file) in place of the machine's authorities, and shows `certificate`.

    `certificate` refers to a PEM file of a client's certificate and key, as `file:path`. None when neither is given:
    the machine's own settings do. Raises ValueError with a sentence ("what; right").
    """
    if authority is None and certificate is None:
        return None
    context = _trusting(authority)
    if certificate is not None:
        _show(context, secret_path(certificate.removeprefix("file:"), root))
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting(authority: Path | None) -> ssl.SSLContext:
    if authority is None:
        return ssl.create_default_context()
    try:
        # An empty file would silently mean the machine's authorities.
        context = ssl.create_default_context(cafile=str(authority))
    except OSError:
        raise ValueError(f"names {authority.name}, which holds no certificate; write a PEM file") from None
    return context


def _show(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_cert_chain(path, password=_no_password)
    except (OSError, ValueError):
        text = f"needs the file {path.name}, which holds no certificate with its key"
        raise ValueError(f"{text}; write both into it as PEM, without a password") from None


def _no_password() -> str:
    # Otherwise OpenSSL asks on the terminal.
    raise ValueError("a password is needed")
