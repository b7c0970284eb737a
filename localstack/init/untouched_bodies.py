"""LocalStack runs this inside its own process when it starts (host and Docker mode).

Its SQS event source mapping reads the body of each message as JSON and writes it again, for the sake of filters, before
the function gets it: 0.30000000000000000001 arrives as 0.3, a double-encoded body arrives unwrapped, deep nesting
fails the whole batch. SQS on AWS hands over the text as it was sent; without filters, as here, it may stay so.
"""

import json
from types import SimpleNamespace

from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller

sqs_poller.json = SimpleNamespace(
    loads=lambda text: text,
    dumps=json.dumps,
    JSONDecodeError=json.JSONDecodeError,
)
