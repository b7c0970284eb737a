"""Keeps S3 objects in the deployment's folder. LocalStack runs this in its process when it starts.

By itself it keeps objects in /tmp/localstack-s3-storage, whichever deployment it belongs to, and
deletes that folder when it stops: two deployments would share it, and a second user of the machine
could not write to it. This has no effect in Docker mode.
"""

import os
import tempfile


def keep_in(folder: str) -> None:
    from localstack.services.s3 import provider

    provider.DEFAULT_S3_TMP_DIR = folder


if "FILESYSTEM_ROOT" in os.environ:
    keep_in(os.path.join(tempfile.gettempdir(), "s3"))
