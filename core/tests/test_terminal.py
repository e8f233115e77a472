from __future__ import annotations

import io

import pytest
from rich.console import Console

from soundalike.terminal import echo, echo_document, escaped_tracebacks, print_line
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_each_text_is_one_line_that_a_terminal_only_shows(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    echo("before", hostile, "after")
    echo(hostile, err=True)
    output = capsys.readouterr()
    assert output.out.splitlines()[::2] == ["before", "after"]
    assert (len(output.out.splitlines()), len(output.err.splitlines())) == (3, 1)
    assert active_characters(output.out + output.err, keep="\n") == set()


def test_a_document_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    echo_document('a,"b\nc"\r\n\td\x1b]0;x\x07\re\n')
    assert capsys.readouterr().out == 'a,"b\nc"\r\n\td\\x1b]0;x\\x07\\re\n'


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_a_line_above_a_bar_is_no_markup(hostile: str) -> None:
    file = io.StringIO()
    print_line(Console(file=file, force_terminal=True, width=40), hostile)
    output = file.getvalue()
    assert output.count("\n") == 1
    assert active_characters(output, keep="\n") == set()
    if "[bold red]" in hostile:
        assert output == f"{hostile}\n"


def test_what_nobody_handles_is_shown_escaped_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, escaped_tracebacks():
        raise ValueError("\x1b]0;owned\x07")
    output = capsys.readouterr().err
    assert ended.value.code == 1
    assert r"ValueError: \x1b]0;owned\x07" in output
    assert "test_terminal.py" in output
    assert active_characters(output, keep="\n") == set()
