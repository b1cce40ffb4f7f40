"""Lambda's Python runtime for the embedded AWS: polls the Runtime API and calls the handler.

Started as ``python -I -S runtime_client.py LAYER_DIR...``: nothing but the standard library, the function's own code
and its own layers can be imported, as on AWS. Standard library only; AWS's own client has no wheels for macOS.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import types
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Context:
    """What a handler may ask of its invocation, with the names that AWS uses."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id", "")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn", "")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"))
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = None
        self.client_context = None
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms", "0"))

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def _post(path: str, body: object) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{API}/{path}", data=data, headers={"Content-Type": "application/json"})
    OPENER.open(request).close()


def _error(error: BaseException) -> dict[str, object]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _load_handler() -> types.FunctionType:
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), name)


def _serve(handler: types.FunctionType) -> None:
    while True:
        with OPENER.open(f"{API}/invocation/next", timeout=None) as response:
            headers, event = dict(response.headers), json.load(response)
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            result = handler(event, Context(headers))
        except Exception as error:
            _post(f"invocation/{request_id}/error", _error(error))
        else:
            _post(f"invocation/{request_id}/response", result)


def main(layers: list[str]) -> None:
    """Load the handler and serve invocations until the emulator ends the environment."""
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *layers]
    try:
        handler = _load_handler()
    except Exception as error:
        _post("init/error", _error(error))
        raise SystemExit(1) from error
    try:
        _serve(handler)
    except OSError:
        raise SystemExit(0) from None  # the emulator closed the Runtime API: the environment is over


if __name__ == "__main__":
    main(sys.argv[1:])
