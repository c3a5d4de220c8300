"""Whether an address leads to a machine of the user's own network."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from icdcoder.core.errors import ConfigError


def require_private(url: str, *, allow_public: bool = False) -> None:
    """Raises ConfigError where `url` is no http(s) address, its host has no address, or one that is not private.

    Every address of the host must be of the loopback or of a private network. allow_public: the user has said that
    the machine may be asked all the same.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, parts, port = None, urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{url!r} is not the address of an endpoint; write it as http://127.0.0.1:8000/v1.")
    if parts.username or parts.password:
        raise ConfigError("The endpoint's address holds a password; name the variable that holds the key instead.")
    if allow_public:
        return
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        raise ConfigError(f"The endpoint's host {host!r} has no address on this network.") from None
    outside = sorted(address for address in found if not _is_private(address))
    if outside:
        raise ConfigError(
            f"The endpoint {host} ({outside[0]}) is not on a private network. PhysioNet's agreement forbids sending "
            "MIMIC to third-party services, and hospitals' rules are no weaker: use a model on your own machines. If "
            "what you send may leave them, say so: --allow-public, or allow_public = true."
        )


def _is_private(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if getattr(found, "teredo", None):  # a tunnel to anywhere
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return (found.is_private or found.is_loopback or found.is_link_local) and not found.is_unspecified
