"""Keeps messages as they were sent. LocalStack runs this in its process when it starts.

Its SQS event source mapping reads the body of each message as JSON and writes it again before the
function gets it, so that filters can be applied: 0.30000000000000000001 arrives as 0.3, a
double-encoded body arrives unwrapped, deep nesting fails the whole batch. SQS on AWS hands over the
text as it was sent. The stack uses no filters, so the text can stay as it is.
"""

import json
from types import SimpleNamespace

from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller

sqs_poller.json = SimpleNamespace(
    loads=lambda text: text,
    dumps=json.dumps,
    JSONDecodeError=json.JSONDecodeError,
)
