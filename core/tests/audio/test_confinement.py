"""What a decoder's process can still do, tried from inside: `eval` stands in for a decoder that a file took over."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.errors import DecoderCrashed, InternalDecoderError, TooDemanding
from soundalike.audio.isolate import IsolatedClipEncoder, cpu_limit_s

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a process so")

SECRET = "AWS_SECRET_ACCESS_KEY"


class Puppet:
    """A confined process that evaluates expressions."""

    def __init__(self, encoder: IsolatedClipEncoder) -> None:
        self._encoder = encoder
        self.pid = int(self.evaluate("os.getpid()"))

    def evaluate(self, expression: str) -> str:
        names = ("ctypes", "os", "resource", "signal", "socket", "subprocess", "threading")
        modules = ", ".join(f"__import__({name!r})" for name in names)
        call = f"(lambda {', '.join(names)}: repr({expression}).encode())({modules})"
        return self._encoder.encode(call.encode()).decode()


@pytest.fixture
def puppet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Puppet]:
    monkeypatch.setenv(SECRET, "of the parent")
    with IsolatedClipEncoder(function=eval, timeout_s=60) as encoder:
        yield Puppet(encoder)


def test_the_environment_holds_nothing_of_the_parents(puppet: Puppet) -> None:
    allowed = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"}
    # Python sets it for itself where no locale is set.
    assert set(literal_eval(puppet.evaluate("sorted(os.environ)"))) <= allowed | {"LC_CTYPE"}
    if os.geteuid() == 0:
        environment = Path(f"/proc/{puppet.pid}/environ").read_bytes()
        assert {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0") if entry} <= allowed
        assert b"of the parent" not in environment


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "open('/etc/passwd')",
        "open('/proc/self/environ')",
        "open('written', 'w')",
        "os.open('/', os.O_RDONLY)",
        "os.listdir('/')",
        "os.mkdir('folder')",
        "os.unlink('file')",
        "os.rename('a', 'b')",
        "os.chmod('nothing', 0)",
        "os.memfd_create('code')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['true'])",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "signal.pidfd_send_signal(0, 0)",
        "os.setuid(0)",
        "os.sched_setaffinity(0, {0})",
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    ],
)
def test_nothing_can_be_opened_started_or_reached(puppet: Puppet, attempt: str) -> None:
    with pytest.raises(
        (InternalDecoderError, OSError), match=r"forbidden|Operation not permitted|not implemented|maximum"
    ):
        puppet.evaluate(attempt)
    # It was refused, not killed, and a file that comes after it is decoded by the same process.
    assert puppet.evaluate("os.getpid()") == str(puppet.pid)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("ptrace", "16, os.getppid(), 0, 0"),
        ("process_vm_readv", "os.getppid(), 0, 0, 0, 0, 0"),
        ("unshare", "0x10000000"),
        ("mount", "0, b'/', 0, 0, 0"),
        ("chroot", "b'/'"),
        ("prctl", "38, 0, 0, 0, 0"),
        ("syscall", "425, 1, 0"),
        ("syscall", "323, 1"),
        ("keyctl", "0, 0"),
        ("personality", "0xffffffff"),
    ],
)
def test_no_other_call_gets_through(puppet: Puppet, call: str, arguments: str) -> None:
    if call == "keyctl":
        call, arguments = "syscall", f"250, {arguments}"
    assert puppet.evaluate(f"ctypes.CDLL(None, use_errno=True).{call}({arguments})") == "-1"


def test_no_thread_can_be_started(puppet: Puppet) -> None:
    with pytest.raises(InternalDecoderError, match="can't start new thread"):
        puppet.evaluate("threading.Thread(target=print).start()")


def test_the_kernel_says_so_too(puppet: Puppet) -> None:
    if os.geteuid():
        pytest.skip("the process is not to be looked into by its own user")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{puppet.pid}/status").read_text().splitlines())
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"].strip()) == ("1", "2", "1")
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb")} == {"0" * 16}
    limits = Path(f"/proc/{puppet.pid}/limits").read_text().splitlines()
    hard = {line[:26].strip(): line[26:].split()[1] for line in limits}
    assert (hard["Max core file size"], hard["Max file size"], hard["Max processes"]) == ("0", "0", "0")
    assert int(hard["Max open files"]) <= 32
    assert hard["Max address space"] != "unlimited"
    # The standard streams and the one that requests come by.
    assert len(list(Path(f"/proc/{puppet.pid}/fd").iterdir())) <= 5


def test_no_descriptor_of_the_parents_is_left_open() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, IsolatedClipEncoder(function=eval) as encoder:
        os.set_inheritable(theirs.fileno(), True)
        inode = os.fstat(theirs.fileno()).st_ino
        seen = Puppet(encoder).evaluate(
            f"[n for n in range(3, 32) if os.path.exists(n) and os.fstat(n).st_ino == {inode}]"
        )
        assert seen == "[]"


def test_a_file_that_wants_too_much_of_the_processor_is_given_up() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with IsolatedClipEncoder(function=eval, timeout_s=600, cpu_s=lambda _: 0.5) as encoder:
        puppet = Puppet(encoder)
        with pytest.raises(TooDemanding, match=r"more than 0\.5 s of a processor"):
            puppet.evaluate("[None for _ in iter(int, 1)]")
        assert puppet.evaluate("os.getpid()") != str(puppet.pid)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Two processes that import the decoders, and the half second.
    assert 0.4 < used < 8


def test_each_file_has_seconds_of_its_own() -> None:
    with IsolatedClipEncoder(function=eval, timeout_s=600, cpu_s=lambda _: 1.0) as encoder:
        puppet = Puppet(encoder)
        for _ in range(4):
            puppet.evaluate("sum(range(20_000_000)) > 0")
        assert puppet.evaluate("os.getpid()") == str(puppet.pid)


def test_the_timer_cannot_be_escaped_by_stopping_it() -> None:
    with IsolatedClipEncoder(function=eval, timeout_s=600, cpu_s=lambda _: 0.5) as encoder:
        puppet = Puppet(encoder)
        with pytest.raises(TooDemanding):
            puppet.evaluate("[signal.setitimer(signal.ITIMER_PROF, 0), [None for _ in iter(int, 1)]]")


def test_the_seconds_of_a_file_grow_with_its_size_up_to_a_limit() -> None:
    assert cpu_limit_s(0) == 3
    assert cpu_limit_s(30_000_000) == 6
    assert cpu_limit_s(10**12) == 30


def test_a_crash_still_ends_with_its_signal(puppet: Puppet) -> None:
    with pytest.raises(DecoderCrashed, match=f"-{int(signal.SIGABRT)}"):
        puppet.evaluate("os.abort()")
