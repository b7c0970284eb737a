"""Runs Lambda functions of the `provided` runtimes as plain processes: LocalStack's Lambda without Docker.

LocalStack finds the plugin through the .dist-info folder beside this file when this folder is on PYTHONPATH, and uses
it when LAMBDA_RUNTIME_EXECUTOR=process. Each execution environment is one process of AWS's own Lambda Runtime
Interface Emulator (RIE), which starts the function's `bootstrap`, enforces its timeout and starts it anew after a
crash. LAMBDA_RIE names the emulator's binary.

Nothing is sandboxed: a function runs as the user who runs LocalStack and sees that user's files.
"""

import http.client
import json
import logging
import os
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import (
    LambdaRuntimeException,
    RuntimeExecutor,
)

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
START_SECONDS = 10
STOP_SECONDS = 2
# How long after its timeout a function's answer is waited for: the RIE needs a moment to kill and report.
GRACE_SECONDS = 10
# These come from LocalStack's own environment; a function in the cloud would not have the others.
INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR")

# A child's parent-death signal fires when the *thread* that started it ends, not the process: so that children live as
# long as LocalStack, and no longer, one thread that never ends starts them all.
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

    def start(self, env_vars: dict[str, str]) -> None:
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
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            # LocalStack throws the environment away after this, and reports a failed invocation.
            raise LambdaRuntimeException(f"no answer from the function's process: {error}") from error
        finally:
            connection.close()
        failure = _failure(response.status, body)
        return InvocationResult(
            request_id=request_id,
            payload=body if failure is None else failure,
            is_error=failure is not None,
            logs=self._log.take(f"REPORT RequestId: {request_id}"),
        )

    def stop(self) -> None:
        if self._process is None:
            return
        # On SIGTERM the emulator also ends the bootstrap; on SIGKILL the bootstrap ends when its Runtime API is gone.
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
        # LocalStack itself deletes the code with the function; other versions may still run from it.
        pass

    @classmethod
    def validate_environment(cls) -> bool:
        return os.access(os.environ.get("LAMBDA_RIE", ""), os.X_OK)


def _failure(status: int, body: bytes) -> bytes | None:
    """The error document when the function failed, None when it answered."""
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
    return json.dumps({"errorType": "Runtime.Unknown", "errorMessage": body.decode(errors="replace")}).encode()


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
    """What the process wrote since it was last asked."""

    # The answer arrives beside the log, not after it: the line that ends an invocation's log may need a moment.
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

    def take(self, last_line: str | None = None) -> str:
        with self._changed:
            if last_line is not None:
                self._changed.wait_for(
                    lambda: any(line.startswith(last_line) for line in reversed(self._lines)),
                    self.LAST_LINE_SECONDS,
                )
            lines, self._lines = self._lines, []
        return "".join(lines)
