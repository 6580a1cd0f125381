"""TLS settings from files of the site, checked when the config is read: a broken file is refused with its line."""

from __future__ import annotations

import ssl
from pathlib import Path

from monitor.config.secrets import secret_path


class _Named(ssl.SSLContext):
    """Holds a certificate against another name than the one that is dialled, where there is one."""

    name = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As that of the standard library."""
        return super().wrap_bio(incoming, outgoing, server_side, self.name or server_hostname, session)


def tls_settings(
    root: Path, authority: Path | None, certificate: str | None, name: str | None = None
) -> ssl.SSLContext | None:
    """Verified TLS that trusts `authority` (a PEM file) in place of the machine's authorities, and shows `certificate`.

    `certificate` refers to a PEM file of a client's certificate and key, as `file:path`. None when neither is given:
    the machine's own settings do. Raises ValueError with a sentence ("what; right").

    Without a `name` they are for HTTP. With one, also an empty one, they are for a database server, which offers no
    protocol; the certificate must then be for this name, or if it is empty for the address that is dialled.
    """
    if authority is None and certificate is None and not name:
        return None
    try:
        context = _for_http(authority) if name is None else _for_database(authority, name)
    except OSError:
        named = authority.name if authority else "the machine's authorities"
        raise ValueError(f"names {named}, which holds no certificate; write a PEM file") from None
    if certificate is not None:
        _show(context, secret_path(certificate.removeprefix("file:"), root))
    return context


def _for_http(authority: Path | None) -> ssl.SSLContext:
    # An empty file would silently mean the machine's authorities.
    context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    context.set_alpn_protocols(["http/1.1"])
    return context


def _for_database(authority: Path | None, name: str) -> ssl.SSLContext:
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.name = name
    if authority is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authority)
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
