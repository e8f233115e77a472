"""Which platform `make crawl` uses: the containers where they run, else the one on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

_DOCKER = """#!/bin/sh
case "$*" in
info) exit {engine} ;;
"compose ps --quiet --status running api") echo {running} ;;
"compose ps --quiet --all api") echo {present} ;;
*) echo "docker $*" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Makefile whose environment is prepared, with a `soundalike` that prints what it gets."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text("members = []\n")
    for name in ("requirements/run.txt", "requirements/build.txt", ".venv/platform"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    _script(tmp_path / ".venv/bin/soundalike", '#!/bin/sh\necho soundalike "$@"\n')
    (tmp_path / "my music").mkdir()
    return tmp_path


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _make(checkout: Path, *arguments: str, engine: bool, running: str = "", present: str = "") -> tuple[int, str]:
    _script(checkout / "tools/docker", _DOCKER.format(engine=int(not engine), running=running, present=present))
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(
        ["make", "crawl", *arguments],
        cwd=checkout,
        env={**variables, "PATH": f"{checkout / 'tools'}:{os.environ['PATH']}", "HOME": "/srv/me"},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, "\n".join(
        line for line in (result.stdout + result.stderr).splitlines() if not line.startswith("make")
    )


def test_where_the_containers_run_the_crawl_is_in_one(checkout: Path) -> None:
    status, output = _make(checkout, "FOLDER=my music", engine=True, running="4f2a", present="4f2a")
    ids = f"{os.getuid()}:{os.getgid()}"
    folder = f"{checkout}/my music"
    assert (status, output.split()) == (
        0,
        f"docker compose run --rm --user {ids} --volume {folder}:{folder}:ro crawler --folder {folder}".split(),
    )


def test_where_the_containers_are_stopped_the_message_says_how_to_go_on(checkout: Path) -> None:
    status, output = _make(checkout, "FOLDER=~/Music", engine=True, present="4f2a")
    assert status == 2
    assert "Start them: make up." in output
    assert output.endswith(".venv/bin/soundalike crawl ~/Music")


@pytest.mark.parametrize(
    ("variables", "containers", "arguments"),
    [
        (["FOLDER=my music"], {"engine": False}, "crawl --folder my music"),
        (["FOLDER=~/Music", "DATA=~/data"], {"engine": False}, "crawl --data /srv/me/data --folder /srv/me/Music"),
        (["PLAYLIST=x", "EVERY=24"], {"engine": True}, "crawl --playlist x --every 24"),
        (["PLAYLIST=x", "INCLUDE_VIDEO=yes"], {"engine": True}, "crawl --playlist x --include-video"),
        (["PLAYLIST=x", "INCLUDE_VIDEO=no"], {"engine": True}, "crawl --playlist x"),
        (["SOUNDCLOUD=x", "STAY=1"], {"engine": True}, "crawl --stay soundcloud --from x"),
        (["FOLDER=x", "DATA=y"], {"engine": True, "running": "4f2a"}, "crawl --data y --folder x"),
    ],
)
def test_elsewhere_it_is_on_this_machine(
    checkout: Path, variables: list[str], containers: dict[str, str], arguments: str
) -> None:
    assert _make(checkout, *variables, **containers) == (0, f"soundalike {arguments}")
