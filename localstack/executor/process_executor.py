"""Runs Lambda functions of the `provided` runtimes as plain processes.

This is LocalStack's Lambda without Docker.

LocalStack finds the plugin through the .dist-info folder beside this file when this folder is on
PYTHONPATH, and uses it when LAMBDA_RUNTIME_EXECUTOR=process. Each execution environment is one
process of AWS's own Lambda Runtime Interface Emulator (RIE), which starts the function's
`bootstrap` at the first invocation and enforces its timeout. LAMBDA_RIE names the emulator's
binary.

The emulator is meant to restart a bootstrap that was killed. Where the kill and the next invocation
meet, it can log an error and never answer (seen on a busy machine: "Invoke failed ... Runtime
exited with error: signal: killed", then "EventRenderingService state not set"). So the executor
looks at the bootstrap itself: before an invocation it restarts an emulator whose bootstrap is gone,
and during one it gives up as soon as the runtime is lost, so that LocalStack fails the invocation
at once instead of after the function's whole time limit.

Nothing is sandboxed: a function runs as the user who runs LocalStack and sees that user's files.
"""

import http.client
import json
import logging
import os
import select
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import (
    LambdaRuntimeException,
    RuntimeExecutor,
)

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
START_SECONDS = 30
STOP_SECONDS = 2
# How long after the function's timeout its response may arrive: the RIE needs time to kill the
# function and to report it.
GRACE_SECONDS = 10
# How often a running invocation is checked for a lost runtime.
CHECK_SECONDS = 0.1
# An invocation without a bootstrap is given up after this time. It is longer than the RIE takes to
# start a bootstrap or to report its end, also on a busy machine, and shorter than a time limit.
LOST_SECONDS = 3
# The RIE logs these when an invocation will get no response. A response may still be under way.
LOST_LINES = ("Runtime exited", "EventRenderingService state not set")
LOST_LINE_SECONDS = 1
# These come from LocalStack's environment; a function in the cloud would not have the others.
INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")

# A child's parent-death signal fires when the *thread* that started it ends, not the process. One
# thread that never ends starts all children, so that they live exactly as long as LocalStack.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-executor")


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        return ProcessExecutor


class ProcessExecutor(RuntimeExecutor):
    """One execution environment. LocalStack gives it one invocation at a time."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._process: subprocess.Popen | None = None
        self._port = 0
        self._log = _Log()
        self._env_vars: dict[str, str] = {}
        self._invoked = False  # since the emulator was started, so that there must be a bootstrap
        self._bootstrap = 0  # its process id, once it was looked for

    def start(self, env_vars: dict[str, str]) -> None:
        self._env_vars = env_vars
        self._invoked = False
        code = self.function_version.config.code.get_unzipped_code_location()
        bootstrap = code / "bootstrap"
        if not os.access(bootstrap, os.X_OK):
            raise LambdaRuntimeException(f"{bootstrap} is missing or not executable")
        self._port, runtime_port = _free_ports(2)
        command = [
            "setpriv",
            "--pdeathsig=KILL",
            os.environ["LAMBDA_RIE"],
            "--log-level=error",
            f"--runtime-interface-emulator-address={LOOPBACK}:{self._port}",
            f"--runtime-api-address={LOOPBACK}:{runtime_port}",
            str(bootstrap),
        ]
        env = {name: os.environ[name] for name in INHERITED if name in os.environ}
        env |= {name: str(value) for name, value in env_vars.items()}
        env["LAMBDA_TASK_ROOT"] = str(code)
        env["TZ"] = "UTC"
        self._process = _starter.submit(
            subprocess.Popen,
            command,
            cwd=code,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).result()
        self._log.follow(self._process.stdout)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LambdaRuntimeException(f"the runtime emulator ended: {self._log.take()}")
            try:
                socket.create_connection((LOOPBACK, self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.005)
        raise LambdaRuntimeException(f"no runtime emulator after {START_SECONDS} s")

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        if self._invoked and not self._has_bootstrap():
            LOG.warning("the function's process is gone: restarting its environment %s", self.id)
            self.stop()
            self.start(self._env_vars)
        self._invoked = True
        request_id = payload["invoke-id"]
        timeout = int(self.function_version.config.timeout) + GRACE_SECONDS
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=timeout)
        headers = {
            "Content-Type": "application/json",
            "X-Amzn-RequestId": request_id,
            "X-Amzn-Trace-Id": payload["trace-id"],
        }
        try:
            connection.request("POST", INVOKE_PATH, payload["payload"].encode(), headers)
            self._wait_for_response(connection.sock, time.monotonic() + timeout)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            # LocalStack discards the environment after this, and reports a failed invocation.
            problem = f"no response from the function's process: {error}"
            raise LambdaRuntimeException(problem) from error
        finally:
            connection.close()
        failure = _failure(response.status, body)
        return InvocationResult(
            request_id=request_id,
            payload=body if failure is None else failure,
            is_error=failure is not None,
            logs=self._log.take(f"REPORT RequestId: {request_id}"),
        )

    def _wait_for_response(self, connection: socket.socket, deadline: float) -> None:
        """Returns when there is something to read, and raises when nothing will come."""
        earlier = self._log.count()
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        alive = healthy = time.monotonic()
        while not ready.poll(CHECK_SECONDS * 1000):
            now = time.monotonic()
            if self._has_bootstrap():
                alive = now
            if not self._log.contains(LOST_LINES, earlier):
                healthy = now
            if now - alive > LOST_SECONDS or now - healthy > LOST_LINE_SECONDS:
                raise LambdaRuntimeException(f"the runtime was lost: {self._log.take()}")
            if now > deadline:
                raise LambdaRuntimeException("the runtime emulator enforced no time limit")

    def _has_bootstrap(self) -> bool:
        """Whether the emulator runs and has a child process that runs."""
        if self._process is None or self._process.poll() is not None:
            return False
        emulator = self._process.pid
        if _is_running_child(self._bootstrap, emulator):
            return True
        processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        self._bootstrap = next((pid for pid in processes if _is_running_child(pid, emulator)), 0)
        return self._bootstrap != 0

    def stop(self) -> None:
        if self._process is None:
            return
        # On SIGTERM the emulator also ends the bootstrap; on SIGKILL the bootstrap ends when its
        # Runtime API is gone.
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get_address(self) -> str:
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def get_logs(self) -> str:
        return self._log.take()

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        # LocalStack deletes the code with the function; other versions may still run from it.
        pass

    @classmethod
    def validate_environment(cls) -> bool:
        return os.access(os.environ.get("LAMBDA_RIE", ""), os.X_OK)


def _is_running_child(pid: int, parent: int) -> bool:
    """Whether a process runs as a child of another.

    A killed one stays in /proc until it is reaped.
    """
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # The process's name, in brackets, may hold blanks and brackets.
    state, parent_of_it = stat.rpartition(")")[2].split()[:2]
    return state not in "ZX" and int(parent_of_it) == parent


def _failure(status: int, body: bytes) -> bytes | None:
    """The error document when the function failed, None when it responded."""
    if body.startswith(b"Task timed out after "):
        return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": body.decode()}).encode()
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict) and "errorMessage" in document and "errorType" in document:
        return body
    if status == http.client.OK:
        return None
    message = body.decode(errors="replace")
    return json.dumps({"errorType": "Runtime.Unknown", "errorMessage": message}).encode()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind((LOOPBACK, 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class _Log:
    """What the process wrote since take was last called."""

    # The response and the log arrive independently: the last line of an invocation may come later.
    LAST_LINE_SECONDS = 0.1

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()

    def follow(self, stream) -> None:
        def read() -> None:
            for line in stream:
                with self._changed:
                    self._lines.append(line.decode(errors="replace"))
                    self._changed.notify_all()

        threading.Thread(target=read, name="process-executor-log", daemon=True).start()

    def count(self) -> int:
        with self._changed:
            return len(self._lines)

    def contains(self, texts: tuple[str, ...], start: int) -> bool:
        """Whether one of the texts is in a line from this number on."""
        with self._changed:
            return any(text in line for line in self._lines[start:] for text in texts)

    def take(self, last_line: str | None = None) -> str:
        with self._changed:
            if last_line is not None:
                self._changed.wait_for(
                    lambda: any(line.startswith(last_line) for line in reversed(self._lines)),
                    self.LAST_LINE_SECONDS,
                )
            lines, self._lines = self._lines, []
        return "".join(lines)
