"""A plain boto3 client as users of the original have it.

It sends to the queue "orders" at LocalStack's endpoint, with order_value as a float.
"""

import json
import sys

import boto3

ENDPOINT = sys.argv[1]  # http://localhost:4566 for everybody but a test

sqs = boto3.client(
    "sqs",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)

order = {
    "order_id": "BOTO-1",
    "user_id": "boto3",
    "order_timestamp": "2024-12-13T10:00:00Z",
    "order_value": 99.99,
    "items": [{"product_id": "P001", "quantity": 1, "price_per_unit": 99.99}],
}
sqs.send_message(QueueUrl=f"{ENDPOINT}/000000000000/orders", MessageBody=json.dumps(order))

url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
assert url == f"{ENDPOINT}/000000000000/orders", url
order |= {
    "order_id": "BOTO-2",
    "items": [{"product_id": "P002", "quantity": 1, "price_per_unit": 19.99}],
}
sqs.send_message(QueueUrl=url, MessageBody=json.dumps(order))
