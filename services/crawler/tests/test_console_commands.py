from __future__ import annotations

import asyncio
import os
import signal

import pytest
import typer

from soundalike.crawler.console_commands import ask


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_question_inside_an_event_loop(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, lambda: None)
    handler = signal.getsignal(number)
    monkeypatch.setattr(typer, "confirm", lambda _: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt):
        ask("Go on?")
    assert signal.getsignal(number) is handler
    loop.remove_signal_handler(number)


def test_a_question_is_answered_or_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "confirm", lambda question: question == "Go on?")
    assert ask("Go on?")
    assert not ask("Stop?")

    def abort(_: str) -> bool:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", abort)
    with pytest.raises(KeyboardInterrupt):
        ask("Go on?")
