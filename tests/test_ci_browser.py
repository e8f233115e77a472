"""What CI does where no browser is installed for the tests of the page."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "browser"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all the machine has; `calls` keeps what apt-get is called with."""
    for name in ("bash", "env"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    add(tmp_path, "id", "echo 0")
    return tmp_path


def add(machine: Path, name: str, script: str) -> None:
    (machine / name).write_text(f"#!/bin/sh\n{script}\n")
    (machine / name).chmod(0o755)


def add_apt(machine: Path, script: str = "") -> None:
    add(machine, "apt-get", f'echo "$@" >> {machine}/calls\n{script}')


def run(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "bash", SCRIPT], env={"PATH": str(machine)}, capture_output=True, text=True, check=False
    )


def calls(machine: Path) -> list[str]:
    file = machine / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_a_browser_that_is_there_is_taken(machine: Path) -> None:
    add(machine, "chromium", "")
    add_apt(machine)
    result = run(machine)
    assert (result.returncode, result.stderr, calls(machine)) == (0, "", [])


def test_root_installs_one_from_the_packages_of_the_system(machine: Path) -> None:
    add_apt(machine)
    result = run(machine)
    assert (result.returncode, result.stderr) == (0, "")
    assert calls(machine) == ["--quiet --yes --no-install-recommends install chromium"]


def test_lists_of_packages_that_are_missing_are_fetched(machine: Path) -> None:
    add_apt(machine, f"case $(wc -l < {machine}/calls) in 1) exit 100 ;; esac")
    (machine / "wc").symlink_to("/usr/bin/wc")
    assert run(machine).returncode == 0
    assert [call.split()[-2:] for call in calls(machine)] == [
        ["install", "chromium"],
        ["--quiet", "update"],
        ["install", "chromium"],
    ]


def test_another_user_installs_it_with_sudo(machine: Path) -> None:
    add(machine, "id", "echo 1000")
    add(machine, "sudo", 'shift; exec "$@"')
    add(machine, "true", "")
    add_apt(machine)
    assert run(machine).returncode == 0
    assert len(calls(machine)) == 1


@pytest.mark.parametrize(
    ("user", "has_apt", "reason"),
    [
        (0, False, "there is no apt-get to install one with"),
        (1000, True, "installing one needs root"),
        (0, True, "Chromium could not be installed"),
    ],
)
def test_what_cannot_be_installed_is_told_and_no_failure(machine: Path, user: int, has_apt: bool, reason: str) -> None:
    add(machine, "id", f"echo {user}")
    if has_apt:
        add_apt(machine, "exit 100")
    result = run(machine)
    assert result.returncode == 0
    assert "The tests of the page will be skipped: " in result.stderr
    assert reason in result.stderr
