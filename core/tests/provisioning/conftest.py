from __future__ import annotations

import os
import subprocess
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from soundalike.local.ministack import AwsServer
from soundalike.local.ports import LOOPBACK, free_port
from soundalike.local.program import open_log, python_command
from soundalike.testing.wait import eventually_sync, scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import AwsEndpoint


@pytest.fixture(scope="session")
def whole_ministack(tmp_path_factory: pytest.TempPathFactory, aws_endpoint: AwsEndpoint) -> Iterator[str]:
    """Address of a ministack without the store around it: there a test can delete buckets and queues."""
    home = tmp_path_factory.mktemp("ministack")
    server = AwsServer(
        home=home,
        port=free_port(),
        access_key_id=aws_endpoint.access_key_id,
        secret_access_key=aws_endpoint.secret_access_key,
        log_file=home / "ministack.log",
    )
    own = {"AUTH": "true", "BIND_HOST": LOOPBACK, "GATEWAY_PORT": str(server.port), "SERVICES": "s3,sqs"}
    quiet = {"DOCKER_HOST": f"unix://{home / 'no-docker.sock'}", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    program = server.program({"PATH": os.environ["PATH"]})
    program = replace(
        program,
        command=tuple(python_command("ministack")),
        environment={**program.environment, **own, **quiet, "TMPDIR": str(home)},
    )
    log = open_log(program.log_file)
    process = subprocess.Popen(program.launch_command(), env=dict(program.environment), stdout=log, stderr=log)
    os.close(log)
    session = boto3.Session(server.access_key_id, server.secret_access_key, region_name=server.region)
    try:
        with closing(session.client("s3", endpoint_url=server.endpoint_url)) as s3:
            eventually_sync(s3.list_buckets, "ministack to answer", retry_on=(BotoCoreError, ClientError))
        yield server.endpoint_url
    finally:
        process.terminate()
        process.wait(scale(30))
