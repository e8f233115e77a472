"""Metrics of all workers together, for Prometheus: their requests, and the resources of their processes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector, values
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUPERVISOR: Final = "supervisor"
_PID: Final = ".pid"
_CPU: Final = "process_cpu_seconds"


@dataclass(frozen=True, slots=True)
class MultiprocessMetrics:
    """A directory of files, some for each worker.

    The files are those of a worker's number, not of its pid as the library would have it: what takes a dead worker's
    place goes on counting where that one stopped, and no files are left over.
    """

    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every worker has to be started with; the library reads them when it is imported."""
        return {"PROMETHEUS_MULTIPROC_DIR": str(self.directory)}

    def identify_as(self, worker: int) -> None:
        """Make this process count as a worker; before its first metric is made."""
        values.ValueClass = values.MultiProcessValue(lambda: worker)  # type: ignore[no-untyped-call]

    def add_worker(self, worker: int, pid: int) -> None:
        """Note that a worker was started."""
        (self.directory / f"{worker}{_PID}").write_text(str(pid), encoding="ascii")

    def remove_worker(self, worker: int) -> None:
        """Remove what counts only while a worker lives: its process, and its requests in progress."""
        mark_process_dead(worker, str(self.directory))  # type: ignore[no-untyped-call]
        (self.directory / f"{worker}{_PID}").unlink(missing_ok=True)

    def pids(self) -> dict[str, int]:
        """Return the processes of the workers by their numbers."""
        pids = {}
        for file in sorted(self.directory.glob(f"*{_PID}")):
            # One that has ended meanwhile, or whose number is being written.
            with suppress(FileNotFoundError, ValueError):
                pids[file.stem] = int(file.read_text(encoding="ascii"))
        return pids

    def add_to(self, registry: CollectorRegistry) -> None:
        """Add the sums over all workers to what a registry shows."""
        MultiProcessCollector(registry, str(self.directory))  # type: ignore[no-untyped-call]
        registry.register(ProcessesCollector(self))


@dataclass(frozen=True, slots=True)
class ProcessesCollector(Collector):
    """The usual metrics of processes: processor time of all together, of what has ended too; the rest by worker.

    Memory is not added up, for workers share the pages of the index.
    """

    metrics: MultiprocessMetrics
    supervisor: int = field(default_factory=os.getppid)

    def collect(self) -> Iterable[Metric]:
        """Ask the system; nothing where it has no /proc."""
        families: dict[str, Metric] = {}
        for worker, pid in {_SUPERVISOR: self.supervisor, **self.metrics.pids()}.items():
            for family in _process_metrics(pid):
                combined = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    combined.add_sample(sample.name, {"worker": worker}, sample.value)
        if _CPU in families:
            text = families.pop(_CPU).documentation
            with suppress(OSError):
                families[_CPU] = CounterMetricFamily(_CPU, text, value=self._total_cpu_s())
        return families.values()

    def _total_cpu_s(self) -> float:
        while True:
            own, ended = _cpu_s(self.supervisor)
            running = 0.0
            for pid in self.metrics.pids().values():
                with suppress(OSError):
                    running += _cpu_s(pid)[0]
            # A worker that ended in between would be missing, or counted twice.
            if _cpu_s(self.supervisor)[1] == ended:
                return own + ended + running


def _process_metrics(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()


def _cpu_s(pid: int) -> tuple[float, float]:
    """Return the processor time in s of a process, and that of its children which have ended (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks, (int(fields[13]) + int(fields[14])) / ticks
