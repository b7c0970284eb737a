"""Lets Docker mode start without a network. LocalStack runs this in its own process when it starts.

Its Lambda provider pulls the functions' base image in each new process, even when the image is
present, so that a deployment would need a network at each start. localstack/local has pulled the
image already (LAMBDA_PULLED_IMAGE); this notes it as pulled. It has no effect in host mode.
"""

import os


def note_as_pulled(image: str) -> None:
    from localstack.services.lambda_.invocation import docker_runtime_executor as executor

    for platform in executor.ARCHITECTURE_PLATFORM_MAPPING.values():
        executor.PULLED_IMAGES.add((image, platform))


if os.environ.get("LAMBDA_PULLED_IMAGE"):
    note_as_pulled(os.environ["LAMBDA_PULLED_IMAGE"])
