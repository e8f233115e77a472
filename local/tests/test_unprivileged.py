from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from soundalike.local.program import python_command

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="user namespaces and capabilities are Linux's")

# Simulates a machine that refuses user namespaces, in the process that would make one.
_REFUSED = """
import sys
from soundalike.local import launch, unprivileged
unprivileged._enter_namespace = lambda: False
sys.argv[0] = "launch"
launch.main()
"""

_WRITE = "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'made').write_text(str(os.geteuid()))"


def _launch(
    folder: Path, *, launcher: list[str], program: tuple[str, ...] | None = None
) -> subprocess.CompletedProcess[str]:
    options = [f"--parent={os.getpid()}", "--death-signal=15", f"--writable={folder}", "--"]
    command = program or (sys.executable, "-c", _WRITE, str(folder))
    return subprocess.run([*launcher, *options, *command], capture_output=True, text=True, check=False)


@as_root
@_on_linux
def test_root_keeps_its_files_and_runs_as_another_user(private_folder: Path) -> None:
    result = _launch(private_folder, launcher=python_command("soundalike.local.launch"))
    assert result.returncode == 0, result.stderr
    assert int((private_folder / "made").read_text(encoding="utf-8")) != 0
    assert (private_folder / "made").stat().st_uid == 0
    assert private_folder.stat().st_uid == 0


@as_root
@_on_linux
def test_without_namespaces_nobody_owns_the_data_and_parent_folders_stay_closed(private_folder: Path) -> None:
    (private_folder / "older").write_text("kept", encoding="utf-8")
    result = _launch(private_folder, launcher=[sys.executable, "-c", _REFUSED])
    assert result.returncode == 0, result.stderr
    nobody = pwd.getpwnam("nobody").pw_uid
    assert int((private_folder / "made").read_text(encoding="utf-8")) == nobody
    assert (private_folder / "older").stat().st_uid == nobody
    assert private_folder.parent.stat().st_uid == 0
    assert private_folder.parent.stat().st_mode & 0o777 == 0o700
    # Every later start does the same.
    second_result = _launch(private_folder, launcher=python_command("soundalike.local.launch"))
    assert second_result.returncode == 0, second_result.stderr
    assert int((private_folder / "made").read_text(encoding="utf-8")) == nobody


@as_root
@_on_linux
def test_data_out_of_reach_are_an_error(private_folder: Path) -> None:
    without = _REFUSED.replace("sys.argv[0]", "unprivileged._search_capability = lambda: None\nsys.argv[0]")
    result = _launch(private_folder, launcher=[sys.executable, "-c", without], program=("/bin/sh", "-c", "true"))
    assert result.returncode == 78
    assert "nobody cannot reach" in result.stderr
    assert "--data" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use everybody's folders")
def test_a_folder_of_another_user_is_refused() -> None:
    result = _launch(Path("/"), launcher=python_command("soundalike.local.launch"))
    assert result.returncode == 78
    assert "belongs to root" in result.stderr


def test_a_program_without_its_parent_does_not_start() -> None:
    command = [
        *python_command("soundalike.local.launch"),
        "--parent=1",
        "--death-signal=15",
        "--",
        sys.executable,
        "-c",
        "print(1)",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
