"""A host's name loses its port or its domain; what is no such name stays.

Source: Go, net.SplitHostPort, net.ParseIP; Prometheus, template (stripPort, stripDomain).
"""

from __future__ import annotations

from ipaddress import ip_address


def split_host_port(text: str) -> tuple[str, str] | None:
    """Part ``host:port`` or ``[host]:port``; None where it is neither."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return None
    if text.startswith("["):
        end = text.find("]")
        if end < 0 or end + 1 != len(host):
            return None
        inner = text[1:end]
        return None if "[" in inner or "]" in port or "[" in port else (inner, port)
    if ":" in host or set(text) & set("[]"):
        return None
    return host, port


def strip_port(text: str) -> str:
    """Leave the port out."""
    parts = split_host_port(text)
    return text if parts is None else parts[0]


def strip_domain(text: str) -> str:
    """Keep the first part of a name, and the port; an address stays whole."""
    host, port = split_host_port(text) or (text, "")
    if _is_address(host):
        return text
    host = host.split(".")[0]
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_address(host: str) -> bool:
    try:
        return "%" not in host and ip_address(host) is not None
    except ValueError:
        return False
