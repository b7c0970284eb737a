"""Makes what a stack needs before it is deployed: the bucket of its code and the secret of Redis.

Usage: prepare.py ENDPOINT STACK [BUCKET], with the password of Redis on standard input. Prints the
secret's ARN, and nothing when the password is empty. A stack that never came up is deleted; one of
which a resource was deleted is an error. Without BUCKET nothing is made, and no password is read.
It is one process instead of several calls of the AWS CLI, which take half a second each. On a
command line the password would show in process lists.
"""

import sys

import boto3
from botocore.exceptions import ClientError

UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# How to ask for a resource of a stack: service, method and the argument that takes its physical id.
LOOKS = {
    "AWS::SQS::Queue": ("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::S3::Bucket": ("s3", "head_bucket", "Bucket"),
    "AWS::Lambda::Function": ("lambda", "get_function", "FunctionName"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "get_event_source_mapping", "UUID"),
    "AWS::ApiGateway::RestApi": ("apigateway", "get_rest_api", "restApiId"),
}
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


def require_all_resources(stacks, endpoint: str, name: str) -> None:
    """Stops where a resource of the stack was deleted: CloudFormation does not make it again."""
    try:
        resources = stacks.describe_stack_resources(StackName=name)["StackResources"]
    except ClientError:
        return  # there is no stack
    clients = {}
    gone = []
    for resource in resources:
        kind = resource["ResourceType"]
        if kind not in LOOKS or resource["ResourceStatus"] not in UPDATABLE:
            continue
        service, method, argument = LOOKS[kind]
        if service not in clients:
            clients[service] = client(service, endpoint)
        try:
            getattr(clients[service], method)(**{argument: resource["PhysicalResourceId"]})
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                gone.append(resource["LogicalResourceId"])
    if gone:
        sys.exit(
            f"stopped: the stack {name} lacks {' and '.join(gone)}, and CloudFormation does not "
            "make again what was deleted. To make the whole stack again: bin/awslocal "
            f"cloudformation delete-stack --stack-name {name}, then make deploy-local. "
            "Messages in its queues are lost then; figures in Redis stay, and the new archive is "
            "empty"
        )


def put_secret(secrets, name: str, value: str) -> str:
    try:
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]
    except secrets.exceptions.ResourceExistsException:
        return secrets.put_secret_value(SecretId=name, SecretString=value)["ARN"]


def main() -> None:
    endpoint, stack, *bucket = sys.argv[1:]
    stacks = client("cloudformation", endpoint)
    discard_broken_stack(stacks, stack)
    require_all_resources(stacks, endpoint, stack)
    if not bucket:
        return
    password = sys.stdin.read()
    try:
        client("s3", endpoint).create_bucket(Bucket=bucket[0])
    except ClientError as error:
        if error.response["Error"]["Code"] not in BUCKET_IS_THERE:
            raise
    if password:
        print(put_secret(client("secretsmanager", endpoint), f"{stack}/redis", password))


main()
