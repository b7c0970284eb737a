"""Makes what a stack needs before it is deployed: the bucket of its code and the secret of Redis.

Usage: prepare.py ENDPOINT BUCKET STACK, with the password of Redis on standard input. Prints the
secret's ARN, and nothing when the password is empty. A stack that never came up is deleted. It
is one process instead of several calls of the AWS CLI, which take half a second each. On a command
line the password would show in process lists.
"""

import sys

import boto3
from botocore.exceptions import ClientError

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
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

    A stack has outputs from the first time that it came up. One whose update failed holds orders in
    its queues: it is kept, and updated again.
    """
    try:
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    except (ClientError, IndexError):
        return  # there is none
    status, came_up = stack["StackStatus"], stack.get("Outputs")
    if status == "DELETE_FAILED" or status not in UPDATABLE and not came_up:
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
