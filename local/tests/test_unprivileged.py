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

# Stands in for a machine that refuses user namespaces, in the very process that would make one.
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
    options = [f"--parent={os.getpid()}", "--death-signal=15", f"--owned={folder}", "--"]
    command = program or (sys.executable, "-c", _WRITE, str(folder))
    return subprocess.run([*launcher, *options, *command], capture_output=True, text=True, check=False)


@as_root
@_on_linux
def test_root_keeps_its_files_and_is_seen_as_another(private_folder: Path) -> None:
    done = _launch(private_folder, launcher=python_command("soundalike.local.launch"))
    assert done.returncode == 0, done.stderr
    assert int((private_folder / "made").read_text(encoding="utf-8")) != 0
    assert (private_folder / "made").stat().st_uid == 0
    assert private_folder.stat().st_uid == 0


@as_root
@_on_linux
def test_without_namespaces_nobody_owns_the_data_and_the_folders_above_stay_closed(private_folder: Path) -> None:
    (private_folder / "older").write_text("kept", encoding="utf-8")
    done = _launch(private_folder, launcher=[sys.executable, "-c", _REFUSED])
    assert done.returncode == 0, done.stderr
    nobody = pwd.getpwnam("nobody").pw_uid
    assert int((private_folder / "made").read_text(encoding="utf-8")) == nobody
    assert (private_folder / "older").stat().st_uid == nobody
    assert private_folder.parent.stat().st_uid == 0
    assert private_folder.parent.stat().st_mode & 0o777 == 0o700
    # The way that was taken first is the way of every later start.
    again = _launch(private_folder, launcher=python_command("soundalike.local.launch"))
    assert again.returncode == 0, again.stderr
    assert int((private_folder / "made").read_text(encoding="utf-8")) == nobody


@as_root
@_on_linux
def test_a_way_that_ends_before_the_data_is_told(private_folder: Path) -> None:
    without = _REFUSED.replace("sys.argv[0]", "unprivileged._search_capability = lambda: None\nsys.argv[0]")
    done = _launch(private_folder, launcher=[sys.executable, "-c", without], program=("/bin/sh", "-c", "true"))
    assert done.returncode == 78
    assert "nobody cannot reach" in done.stderr
    assert "--data" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use everybody's folders")
def test_a_folder_of_another_user_is_refused() -> None:
    done = _launch(Path("/"), launcher=python_command("soundalike.local.launch"))
    assert done.returncode == 78
    assert "belongs to root" in done.stderr


def test_a_program_whose_parent_is_gone_does_not_start() -> None:
    command = [
        *python_command("soundalike.local.launch"),
        "--parent=1",
        "--death-signal=15",
        "--",
        sys.executable,
        "-c",
        "print(1)",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
