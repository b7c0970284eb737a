"""Runs MiniStack on loopback only, behind the same guard against web pages as LocalStack.

Usage: run_ministack.py PORT. The guard is ../init/web_guard.py. MiniStack's own command binds all
addresses unless told otherwise; here the address is fixed. Three gaps of MiniStack 1.5.33 that the
template meets are closed below.
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


# Types of the template that MiniStack refuses. They have no effect on this machine; LocalStack
# accepts them and makes nothing either.
WITHOUT_EFFECT = ("AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup")


def accept_without_effect(handlers) -> None:
    def create(logical_id, properties, stack_name):
        return f"{stack_name}-{logical_id}", {}

    def delete(physical_id, properties):
        pass

    for kind in WITHOUT_EFFECT:
        handlers.setdefault(kind, {"create": create, "delete": delete})


def read_numbers_of_mappings(handlers) -> None:
    """Makes MaximumConcurrency a number.

    A value from a parameter is a text for MiniStack, and its poller compares it with a number.
    """
    mapping = handlers["AWS::Lambda::EventSourceMapping"]
    create, update = mapping["create"], mapping["update"]

    def repaired(properties):
        scaling = properties.get("ScalingConfig") or {}
        if "MaximumConcurrency" not in scaling:
            return properties
        scaling = scaling | {"MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        return properties | {"ScalingConfig": scaling}

    def repaired_create(logical_id, properties, stack):
        return create(logical_id, repaired(properties), stack)

    def repaired_update(physical_id, old, new, stack):
        return update(physical_id, repaired(old), repaired(new), stack)

    mapping["create"] = repaired_create
    mapping["update"] = repaired_update


def name_the_stack_in_conditions() -> None:
    """Gives !Ref AWS::StackName its value in Conditions, where MiniStack takes it for a plain text.

    The function that evaluates them is not told the stack; each of its callers has it as a local
    variable, stack_name or stack.
    """
    from ministack.services.cloudformation import engine

    evaluate = engine._evaluate_conditions

    def evaluated(template, params):
        caller = sys._getframe(1).f_locals
        name = caller.get("stack_name") or (caller.get("stack") or {}).get("StackName")
        if name:
            params = {"AWS::StackName": {"Value": name}} | params
        return evaluate(template, params)

    for module in list(sys.modules.values()):
        if getattr(module, "_evaluate_conditions", None) is evaluate:
            module._evaluate_conditions = evaluated


def guarded(application, guard):
    async def run(scope, receive, send):
        if scope["type"] == "lifespan":
            return await application(scope, receive, send)
        headers = Headers(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        )
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
    (port,) = sys.argv[1:]
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

    accept_without_effect(handlers)
    read_numbers_of_mappings(handlers)
    name_the_stack_in_conditions()
    config = Config()
    config.bind = [f"127.0.0.1:{int(port)}"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(guarded(app, load_guard()), config))


main()
