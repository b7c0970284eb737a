"""bin/redis-cli where no redis-cli is installed: runs one command.

Usage: redis_cli.py URL COMMAND [ARGUMENT...], with the password in REDISCLI_AUTH.
"""

import os
import sys

import valkey


def show(reply, indent="") -> None:
    if isinstance(reply, (list, tuple, set)):
        for number, part in enumerate(reply, 1):
            print(f"{indent}{number})", end=" ")
            show(part, indent + "   ")
    elif isinstance(reply, dict):
        show([part for pair in reply.items() for part in pair], indent)
    else:
        print(reply.decode(errors="backslashreplace") if isinstance(reply, bytes) else reply)


def main() -> int:
    url, *command = sys.argv[1:]
    if not command:
        hint = "bin/redis-cli dbsize (an interactive one needs redis-tools)"
        print(f"stopped: name a command, such as: {hint}", file=sys.stderr)
        return 1
    client = valkey.from_url(url, password=os.environ.get("REDISCLI_AUTH") or None)
    client.response_callbacks.clear()
    try:
        show(client.execute_command(*command))
    except valkey.ValkeyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


sys.exit(main())
