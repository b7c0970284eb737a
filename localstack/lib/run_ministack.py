"""Runs MiniStack on loopback only, behind the same guard against web pages as LocalStack (../init/web_guard.py).

Usage: run_ministack.py PORT. MiniStack's own command binds all addresses unless told otherwise; here the address is fixed.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

GUARD = Path(__file__).resolve().parent.parent / "init" / "web_guard.py"


def load_guard():
    spec = importlib.util.spec_from_file_location("web_guard", GUARD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Headers(dict):
    """Header fields by lower-case name; get ignores the case."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


def guarded(application, guard):
    async def run(scope, receive, send):
        if scope["type"] == "lifespan":
            return await application(scope, receive, send)
        headers = Headers((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
        method = scope.get("method", "GET")  # a WebSocket has none
        reason = guard.refusal(method, scope["query_string"].decode("latin-1"), headers)
        if reason is None:
            return await application(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        body = f"403 Forbidden: {reason}\n".encode()
        fields = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    return run


def main() -> None:
    config = Config()
    config.bind = [f"127.0.0.1:{int(sys.argv[1])}"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(guarded(app, load_guard()), config))


main()
