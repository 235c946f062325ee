"""Where a server on this machine is reached."""


def http_url(host: str, port: int) -> str:
    """Where a server listening on `host` and `port` is reached from this machine."""
    if host == "0.0.0.0":  # noqa: S104 - compared with, not listened on
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
