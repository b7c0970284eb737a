"""Makes what a stack needs before it is deployed: the bucket of its code and the secret of Redis.

Usage: prepare.py ENDPOINT BUCKET STACK, with the password of Redis on standard input. Prints the
secret's ARN, and nothing when the password is empty. A stack that never came up is deleted. It
is one process instead of several calls of the AWS CLI, which take half a second each. On a command
line the password would show in process lists.
"""

import sys

import boto3
from botocore.exceptions import ClientError

NEVER_CAME_UP = (
    "REVIEW_IN_PROGRESS",
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
)
BUCKET_IS_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def client(service: str, endpoint: str):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def discard_broken_stack(stacks, name: str) -> None:
    """Deletes a stack that failed to come up: it cannot be updated, and holds no data yet.

    One whose update failed holds orders in its queues. It is kept, and updated again.
    """
    try:
        status = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except (ClientError, IndexError):
        return  # there is none
    if status in NEVER_CAME_UP:
        stacks.delete_stack(StackName=name)
        waiter = stacks.get_waiter("stack_delete_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})


def put_secret(secrets, name: str, value: str) -> str:
    try:
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]
    except secrets.exceptions.ResourceExistsException:
        return secrets.put_secret_value(SecretId=name, SecretString=value)["ARN"]


def main() -> None:
    endpoint, bucket, stack = sys.argv[1:]
    password = sys.stdin.read()
    discard_broken_stack(client("cloudformation", endpoint), stack)
    try:
        client("s3", endpoint).create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in BUCKET_IS_THERE:
            raise
    if password:
        print(put_secret(client("secretsmanager", endpoint), f"{stack}/redis", password))


main()
