"""Keeps web pages away from the emulator.

LocalStack runs this inside its process when it starts (host and Docker mode); for MiniStack
localstack/lib/run_ministack.py does.

A browser lets any page send requests to this machine. LocalStack refuses those with a foreign
Origin or Referer, but a page can leave both out (a link, a redirect, referrerpolicy=no-referrer),
and then `GET /?Action=DeleteQueue&...` acts on the deployment. With a host name that resolves to
127.0.0.1 (DNS rebinding) a page can also read the answers.

Refused with 403 are therefore:
- a Host other than the names of this machine's loopback address. In Docker mode the container's
  names and addresses are accepted too, because the functions use them. No page can use those for
  rebinding: the names resolve in Docker's network only, and an address is not resolved.
- a Sec-Fetch-Site other than same-origin and none: another site started the request.
- a request of a browser by GET or HEAD with Action= in its query: a typed or copied link that would
  act. Programs send actions by POST. Browsers send no Sec-Fetch-Site to plain http addresses other
  than localhost and 127.0.0.1, and old ones never do; they are recognized by their User-Agent,
  which a page cannot change without the permission of CORS.
"""

import os
import socket
from urllib.parse import parse_qsl

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "localhost.localstack.cloud"}
LOOPBACK_SUFFIX = ".localhost.localstack.cloud"
ACTS_BY_QUERY = {"GET", "HEAD"}


def host_name(host: str) -> str:
    """The Host header without its port, in lower case."""
    host = host.strip().lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def refusal(
    method: str, query: str, headers, own_names: frozenset[str] = frozenset()
) -> str | None:
    """Why the request is refused, None when it is not.

    headers has a method get that ignores the case of names.
    """
    host = host_name(headers.get("Host") or "")
    if host not in LOOPBACK and not host.endswith(LOOPBACK_SUFFIX) and host not in own_names:
        return "the Host header is not a name of this machine's loopback address, such as localhost"
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site.strip().lower() not in ("same-origin", "none"):
        return (
            "a page of another site started the request; "
            "to open the address yourself, type or paste it"
        )
    from_browser = site is not None or "mozilla/" in (headers.get("User-Agent") or "").lower()
    if from_browser and method.upper() in ACTS_BY_QUERY and _has_action(query):
        return "a browser's link with Action= would act on the deployment; use bin/awslocal"
    return None


def _has_action(query: str) -> bool:
    return any(name.lower() == "action" for name, _ in parse_qsl(query, keep_blank_values=True))


def container_names() -> frozenset[str]:
    """What the functions' containers call LocalStack's container; nothing in host mode."""
    main = os.environ.get("MAIN_CONTAINER_NAME")
    if not main:
        return frozenset()
    hostname = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(hostname)[2]
    except OSError:
        addresses = []
    return frozenset(name.lower() for name in (main, hostname, "localstack", *addresses))


def guard_localstack() -> None:
    from localstack.aws.app import LocalstackAwsGateway
    from localstack.http import Response

    own_names = container_names()
    process = LocalstackAwsGateway.process

    def guarded(self, request, response):
        query = request.query_string.decode("latin-1")
        reason = refusal(request.method, query, request.headers, own_names)
        if reason is None:
            process(self, request, response)
        else:
            body = f"403 Forbidden: {reason}\n"
            response.update_from(Response(body, status=403, mimetype="text/plain"))

    LocalstackAwsGateway.process = guarded


if "LOCALSTACK_HOST" in os.environ:
    guard_localstack()
