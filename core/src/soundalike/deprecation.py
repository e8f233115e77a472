"""Commands under the names they had before the `soundalike` namespace; all of this goes with the next release."""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def run_deprecated(name: str, module: str, replacements: Mapping[str, str] | None = None) -> None:
    """Run `module` as `python -m` does, after a line on stderr that says what replaces `python -m name`.

    `replacements` maps a first argument to the `soundalike` command that takes its place; that of "" replaces every
    other argument as well. Where there is none, only `python -m module` is named.
    """
    argument = sys.argv[1] if len(sys.argv) > 1 else ""
    commands = replacements or {}
    subcommand = f" {argument}" if argument in commands and argument else ""
    replacement = commands.get(argument) or commands.get("")
    direct = f"`python -m {module}{subcommand}`"
    use = f"`{replacement}`, or where that is not installed (in a container) {direct}" if replacement else direct
    warn(f"python -m {name}{subcommand}", use)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def warn(command: str, use: str) -> None:
    """Say on stderr that `command` ends with the next release, and what to use instead."""
    print(f"`{command}` is deprecated and stops working with the next release. Use {use}.", file=sys.stderr, flush=True)
