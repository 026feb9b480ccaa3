"""Put this folder on PYTHONPATH, and Python reaches no machine but its own (see `conftest.py`)."""

import sys

OWN = ("127.0.0.1", "::1", "localhost", None)


def refuse_other_machines(event: str, args: tuple) -> None:
    """An audit hook: Python calls it before it looks up a name or opens a connection."""
    if event == "socket.connect":
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # else a socket file
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if host not in OWN:
        raise ConnectionRefusedError(f"this test has no network; tried to reach {host}")


if __name__ == "sitecustomize":
    sys.addaudithook(refuse_other_machines)
