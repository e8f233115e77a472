"""The demo platform of the tests of the page: with several workers, one for all of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from soundalike.local.ports import free_port

from .page.browsers import find_browser
from .page.demo_program import DemoPlatform
from .page.processes import running

_platform = ExitStack()


# After the servers have started, in whose folder it lives.
@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_configure_node(node: Any) -> None:
    """Start the platform before the first worker of pytest-xdist; only a test that needs it waits for it."""
    if find_browser() is None:
        return
    if not hasattr(node.config, "demo"):
        home = Path(node.config.shared_servers["home"])
        demo = DemoPlatform(str(home / "demo"), free_port(), str(home / "cache"))
        _platform.enter_context(running(demo.program()))
        node.config.demo = asdict(demo)
    node.workerinput["demo"] = node.config.demo


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    _platform.close()
