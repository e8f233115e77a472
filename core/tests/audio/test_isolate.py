from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.audio import decoder_client
from soundalike.audio.clip import encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.errors import (
    DecoderCrashed,
    DecoderUnavailable,
    InternalDecoderError,
    NotAudio,
    TooDemanding,
    TooShort,
    TransientAudioError,
    Undecodable,
)
from soundalike.audio.isolate import IsolatedClipEncoder, IsolatedDecoder
from soundalike.testing.wait import eventually_sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Encode

# `eval` stands in for a decoder where the child has to fail: the file's content is the code that fails.
HANG = b"__import__('time').sleep(600)"
CRASH = b"__import__('os').abort()"
_REFUSAL = b"(_ for _ in ()).throw(__import__('sys').modules['soundalike.audio.errors'].Undecodable(%b))"
SAY_PID = _REFUSAL % b"str(__import__('os').getpid())"
MODULES = _REFUSAL % b"' '.join(__import__('sys').modules)"


@pytest.fixture(scope="module")
def isolated() -> Iterator[IsolatedDecoder]:
    with IsolatedDecoder() as decoder:
        yield decoder


@pytest.fixture
def puppet() -> Iterator[IsolatedDecoder]:
    with IsolatedDecoder(function=eval, timeout_s=1.0, memory_bytes=512 << 20) as decoder:
        yield decoder


def pid(decoder: IsolatedDecoder) -> int:
    with pytest.raises(Undecodable) as caught:
        decoder.decode(SAY_PID)
    return int(str(caught.value))


def test_it_returns_what_decode_returns(isolated: IsolatedDecoder, encode: Encode, tmp_path: Path) -> None:
    data = encode("mp3")
    file = tmp_path / "é.mp3"
    file.write_bytes(data)
    expected = decode(data)
    for source in (data, file):
        excerpt = isolated.decode(source)
        np.testing.assert_array_equal(excerpt.samples, expected.samples)
        assert (excerpt.rate, excerpt.seconds_total) == (expected.rate, expected.seconds_total)


def test_failures_keep_their_type_and_message(isolated: IsolatedDecoder, tmp_path: Path) -> None:
    with pytest.raises(NotAudio, match="empty"):
        isolated.decode(b"")
    with pytest.raises(OSError, match="No such file"):
        isolated.decode(tmp_path / "nothing.mp3")


def test_one_process_serves_many_files(puppet: IsolatedDecoder) -> None:
    assert pid(puppet) == pid(puppet) != os.getpid()


def test_a_hanging_file_is_given_up_and_the_next_one_is_decoded(puppet: IsolatedDecoder) -> None:
    first = pid(puppet)
    with pytest.raises(TooDemanding, match="longer than 1 s"):
        puppet.decode(HANG)
    assert pid(puppet) != first


def test_a_crash_is_transient_and_the_next_file_is_decoded(puppet: IsolatedDecoder) -> None:
    with pytest.raises(DecoderCrashed, match="-6") as caught:
        puppet.decode(CRASH)
    assert isinstance(caught.value, TransientAudioError)
    assert pid(puppet)


def test_a_process_killed_between_two_files_is_not_noticed(puppet: IsolatedDecoder) -> None:
    first = pid(puppet)
    os.kill(first, 9)
    while Path(f"/proc/{first}").exists() and "\nState:\tZ" not in Path(f"/proc/{first}/status").read_text():
        pass
    assert pid(puppet) != first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_AS")
def test_a_file_that_wants_too_much_memory_is_refused(puppet: IsolatedDecoder) -> None:
    with pytest.raises(TooDemanding, match="more than 512 MB"):
        puppet.decode(b"bytearray(1 << 31)")
    assert pid(puppet)


def test_the_child_does_not_load_the_network(puppet: IsolatedDecoder) -> None:
    with pytest.raises(Undecodable) as caught:
        puppet.decode(MODULES)
    modules = str(caught.value).split()
    assert "soundalike.audio.errors" in modules
    assert "tensorflow" not in modules


def test_a_child_that_cannot_start_is_a_crash() -> None:
    def unreachable(_: bytes) -> None: ...

    with IsolatedDecoder(function=unreachable) as decoder, pytest.raises(DecoderCrashed, match="at its start"):  # type: ignore[arg-type]
        decoder.decode(b"")


def test_threads_may_share_a_decoder(puppet: IsolatedDecoder) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(lambda _: pid(puppet), range(20)))) == 1


def test_closing_ends_a_child_at_work_and_starts_no_other() -> None:
    decoder = IsolatedDecoder(function=eval, timeout_s=600)  # type: ignore[arg-type]
    first = pid(decoder)
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(decoder.decode, HANG)
        eventually_sync(decoder._lock.locked, "the decoder at work")
        decoder.close()
        with pytest.raises(DecoderUnavailable):
            hanging.result()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    with pytest.raises(DecoderUnavailable, match="was stopped"):
        decoder.decode(SAY_PID)


class TestClipEncoding:
    @pytest.fixture
    def encoder(self) -> Iterator[IsolatedClipEncoder]:
        with IsolatedClipEncoder() as encoder:
            yield encoder

    @pytest.fixture
    def puppet_encoder(self) -> Iterator[IsolatedClipEncoder]:
        with IsolatedClipEncoder(function=eval, timeout_s=1) as encoder:
            yield encoder

    def test_it_returns_what_encode_clip_returns(
        self, encoder: IsolatedClipEncoder, encode: Encode, tmp_path: Path
    ) -> None:
        song = tmp_path / "sóng 歌.ogg"
        song.write_bytes(encode("ogg", 70.0))
        assert encoder.encode(song) == encode_clip(song)

    def test_failures_keep_their_kind(self, encoder: IsolatedClipEncoder, encode: Encode, tmp_path: Path) -> None:
        with pytest.raises(TooShort, match=r"2\.0 s long"):
            encoder.encode(encode("flac", 2.0))
        with pytest.raises(NotAudio, match="not audio"):
            encoder.encode(b"no music")
        with pytest.raises(OSError, match="No such file"):
            encoder.encode(tmp_path / os.fsdecode(b"caf\xe9"))

    def test_what_decoders_print_is_not_shown(
        self, puppet_encoder: IsolatedClipEncoder, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert puppet_encoder.encode(b"print('a warning', flush=True) or b'fine'") == b"fine"
        assert capfd.readouterr() == ("", "")

    def test_a_death_that_is_not_the_files_fault(self) -> None:
        with IsolatedClipEncoder(function=eval, timeout_s=600) as encoder, ThreadPoolExecutor(1) as thread:
            process = int(encoder.encode(b"str(__import__('os').getpid()).encode()"))
            hanging = thread.submit(encoder.encode, HANG)
            eventually_sync(encoder._lock.locked, "the encoder at work")
            os.kill(process, signal.SIGKILL)
            with pytest.raises(DecoderUnavailable, match="ended with status -9"):
                hanging.result()
            assert encoder.encode(b"b'fine'") == b"fine"

    def test_a_child_that_cannot_start_says_nothing_of_the_file(self) -> None:
        def unreachable(_: bytes) -> bytes:
            return b""

        with (
            IsolatedClipEncoder(function=unreachable) as encoder,
            pytest.raises(DecoderUnavailable, match="at its start, status 1"),
        ):
            encoder.encode(b"")


def test_an_error_in_our_code_is_transient_and_logged_with_its_traceback(
    puppet: IsolatedDecoder, caplog: pytest.LogCaptureFixture
) -> None:
    first = pid(puppet)
    with pytest.raises(InternalDecoderError, match="ZeroDivisionError"):
        puppet.decode(b"1 / 0")
    assert issubclass(InternalDecoderError, TransientAudioError)
    # Not a crash, which twice rejects a file for ever.
    assert not issubclass(InternalDecoderError, DecoderCrashed)
    assert pid(puppet) == first
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "Traceback" in caplog.text
    assert 'File "<string>", line 1' in caplog.text


def test_a_long_error_of_our_code_arrives_cut(puppet: IsolatedDecoder, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InternalDecoderError, match="ValueError"):
        puppet.decode(b"(_ for _ in ()).throw(ValueError('\\U0001f3b5' * 100_000))")
    assert len(caplog.text) < 10_000


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"\x7f\xff\xff\xff", id="a head of 2 GB"),
        pytest.param(b"\0\0\0\2{}\x7f\xff\xff\xff", id="a content of 2 GB"),
        pytest.param(b"\0\0\0\1{", id="no JSON"),
        pytest.param(b"\0\0\0\2[]\0\0\0\0", id="another kind of JSON"),
        pytest.param(b"\0\0\0\1\xff", id="no text"),
        pytest.param(b"\0\0\x27\x10" + b"[" * 10_000, id="JSON too deep"),
        pytest.param(b"\0\0\0\2{}\0\0\0\0", id="a head that says nothing"),
        pytest.param(b"\0\0\0\x21" + b'{"rate":8000,"seconds_total":1.0}' + b"\0\0\0\0", id="another rate"),
        pytest.param(b"\0\0\0\x22" + b'{"rate":12000,"seconds_total":NaN}' + b"\0\0\0\0", id="no length"),
    ],
)
def test_whatever_a_hostile_process_responds_is_a_crash(response: bytes) -> None:
    write = b"__import__('os').write(int(__import__('sys').argv[1]), %r)" % response
    with IsolatedDecoder(function=eval, timeout_s=600) as decoder:  # type: ignore[arg-type]
        with pytest.raises(DecoderCrashed, match="invalid response"):
            decoder.decode(write)
        assert pid(decoder)


def test_a_process_that_goes_on_without_its_connection_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_client, "_END_TIMEOUT_S", 0.2)
    close = b"[__import__('os').close(int(__import__('sys').argv[1])), __import__('time').sleep(600)]"
    with IsolatedDecoder(function=eval, timeout_s=600) as decoder:  # type: ignore[arg-type]
        with pytest.raises(DecoderUnavailable, match="status -9"):
            decoder.decode(close)
        assert pid(decoder)


def test_an_invalid_response_is_a_crash(puppet: IsolatedDecoder) -> None:
    with pytest.raises(DecoderCrashed, match="invalid response"):
        puppet.decode(b"b'bytes, where a recording is expected'")
