"""S3 and SQS on one machine: the store (`soundalike.local.store`) as a child process.

It serves requests that its keys have signed, on the loopback interface, and nothing else. It saves queues and the
settings of buckets when it stops on SIGTERM. SIGKILL loses them, but no object; that is why provisioning runs at every
start.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session as BotocoreSession

from soundalike.local.data_directory import create_private
from soundalike.local.errors import PortInUse, StartFailure
from soundalike.local.ports import LOOPBACK, is_free
from soundalike.local.program import Program, python_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION = "us-east-1"

_START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class AwsServer:
    """S3 and SQS with their data below `home`, on `port`, for one pair of keys."""

    home: Path
    port: int
    access_key_id: str
    secret_access_key: str = field(repr=False)
    log_file: Path
    region: str = REGION

    @property
    def endpoint_url(self) -> str:
        """Address of both services."""
        return f"http://{LOOPBACK}:{self.port}"

    def client_environment(self) -> dict[str, str]:
        """Return the variables by which boto3 finds and uses it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def program(self, environment: Mapping[str, str]) -> Program:
        """Describe the server process; it gets `environment` and its own settings."""
        return Program(
            name="ministack",
            command=tuple(python_command("soundalike.local.store", "--host", LOOPBACK, "--port", str(self.port))),
            environment={
                **environment,
                "AWS_ACCESS_KEY_ID": self.access_key_id,
                "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
                "AWS_DEFAULT_REGION": self.region,
                "S3_DATA_DIR": str(self.home / "objects"),
                "STATE_DIR": str(self.home / "state"),
                # Long bodies lie there while they come and go.
                "TMPDIR": str(self.home / "temporary"),
            },
            log_file=self.log_file,
        )

    def prepare(self) -> None:
        """Create the folders; raises `PortInUse` where another program listens on the port."""
        create_private(self.home)
        for folder in ("objects", "state", "temporary"):
            create_private(self.home / folder)
        if not is_free(self.port):
            raise PortInUse(
                f"Port {self.port}, which S3 and SQS need, is in use by another program: stop that program first."
            )

    async def wait_until_ready(self) -> None:
        """Return when both services answer; raises `StartFailure` after a minute."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                await asyncio.to_thread(self._probe)
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    raise StartFailure(f"ministack does not answer at {self.endpoint_url}: {error}") from error
                await asyncio.sleep(0.1)
            else:
                return

    def _probe(self) -> None:
        session = boto3.Session(
            self.access_key_id, self.secret_access_key, region_name=self.region, botocore_session=_without_profiles()
        )
        config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, proxies={})
        s3 = session.client("s3", endpoint_url=self.endpoint_url, config=config)
        sqs = session.client("sqs", endpoint_url=self.endpoint_url, config=config)
        try:
            s3.list_buckets()
            sqs.list_queues(MaxResults=1)
        finally:
            s3.close()
            sqs.close()


def _without_profiles() -> BotocoreSession:
    # The user's profile has nothing to do with this server, and may name one that does not exist.
    no_file = (None, None, os.devnull, None)
    return BotocoreSession({"profile": (None, None, None, None), "config_file": no_file, "credentials_file": no_file})
