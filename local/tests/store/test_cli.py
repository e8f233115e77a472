from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from soundalike.local.program import python_command
from soundalike.local.store.cli import EX_CONFIG, read_credentials

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("", "chosen-by-nobody"),
        ("test", "chosen-by-nobody"),
        ("000000000000", "chosen-by-nobody"),
        ("a/b", "chosen-by-nobody"),
        ("é", "chosen-by-nobody"),
        ("LOCALKEY", ""),
        ("LOCALKEY", "test"),
        ("LOCALKEY", "short"),
    ],
)
def test_well_known_keys_are_refused(key: str, secret: str) -> None:
    with pytest.raises(ValueError, match="must be set") as error:
        read_credentials({"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret})
    assert not secret or secret not in str(error.value)


def test_keys_of_ones_own_are_accepted() -> None:
    assert (
        read_credentials({"AWS_ACCESS_KEY_ID": "LOCALKEY", "AWS_SECRET_ACCESS_KEY": "chosen-by-nobody"}).access_key_id
        == "LOCALKEY"
    )


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_DATA_DIR", "STATE_DIR"])
def test_it_does_not_start_without_its_settings(tmp_path: Path, missing: str) -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "LOCALKEY",
        "AWS_SECRET_ACCESS_KEY": "chosen-by-nobody",
        "S3_DATA_DIR": str(tmp_path / "objects"),
        "STATE_DIR": str(tmp_path / "state"),
    }
    del environment[missing]
    ended = subprocess.run(
        python_command("soundalike.local.store", "--port", "1"),
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == EX_CONFIG
    assert missing in ended.stderr
    assert "chosen-by-nobody" not in ended.stderr


SERVICES = """
import os, sys
from soundalike.local.store.emulator import Emulator
from soundalike.local.store.signature import Credentials
Emulator(Credentials("LOCALKEY", "chosen-by-nobody"), 1)
print(*sorted(name for name in sys.modules if name.startswith("ministack.services.")))
"""


def test_no_other_service_of_ministack_is_loaded(tmp_path: Path) -> None:
    environment = {"S3_DATA_DIR": str(tmp_path / "objects"), "STATE_DIR": str(tmp_path / "state")}
    ended = subprocess.run(
        [sys.executable, "-c", SERVICES],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == ["ministack.services.s3", "ministack.services.sqs"]
