"""Asks the IRIS that runs on this machine how it is: what ``iris health`` and the container's health check do."""

from __future__ import annotations

import http.client
import json

# A check that takes longer than this is as good as none: container engines give it 5 s.
TIMEOUT_SECONDS = 3.0
# Where one reaches, from the same machine, what listens on every address.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ask(host: str, port: int) -> tuple[bool, list[str]]:
    """Whether updates flow on every platform, and sentences for the operator; never raises for what it finds."""
    if not port:
        return False, ["IRIS_INTERNAL_PORT is 0, so IRIS cannot be asked how it is. Set a port."]
    connection = http.client.HTTPConnection(_REACHED_AT.get(host, host), port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        said = json.loads(connection.getresponse().read())
        healthy, platforms, sentences = said["healthy"], said["platforms"], [*said["problems"], *said["remarks"]]
    except OSError as error:
        reason = error.strerror or str(error)
        return False, [f"No IRIS answers on {host}:{port} ({reason}). See the log of `iris run`."]
    except (http.client.HTTPException, ValueError, LookupError, TypeError):
        return False, [f"Something else than IRIS answers on {host}:{port}. Set IRIS_INTERNAL_PORT to a free port."]
    finally:
        connection.close()
    flowing = [f"{name}: updates flow." for name, state in platforms.items() if state["flowing"]]
    return bool(healthy), [*flowing, *map(str, sentences)]
