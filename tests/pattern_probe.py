"""Tries regular expressions with texts that were made to be slow for them; a program, so that it may be killed.

`python pattern_probe.py` tries all of ours, `python pattern_probe.py EXPRESSION …` those. Prints how many were tried,
which calls it could not resolve, and for each slow expression the worst text, as JSON. Times are seconds of the
processor, of this process alone.
"""

from __future__ import annotations

import ast
import heapq
import importlib
import json
import re
import resource
import signal
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hostile_texts import hostile_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, ModuleType

ROOT: Final = Path(__file__).resolve().parents[1]
LENGTHS: Final = (1_000, 4_000)
FINAL_LENGTH: Final = 60_000
FINALISTS: Final = 5
LIMIT_S: Final = 0.6
"""For each text. With the longest ours take at most 0.012 s, and the fastest whose time grows by the square 1.5 s."""

_PROGRAM_LIMIT_S: Final = 240
_SEARCHES: Final = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})
_EVERY: Final = frozenset({"search", "fullmatch"})
_METHODS: Final = _SEARCHES | {"match", "fullmatch"}


@dataclass(frozen=True, slots=True)
class Use:
    """An expression and how it is applied: `search` stands for all that look everywhere in a text."""

    where: str
    expression: str | bytes
    flags: int
    method: str


@dataclass(frozen=True, slots=True)
class Slow:
    """An expression and the text that it takes so long for."""

    where: str
    expression: str
    method: str
    text: str


class OutOfTime(Exception):
    """A try took longer than it may."""


def our_uses() -> tuple[list[Use], list[str]]:
    """Return every use of a regular expression in our programs, and the calls that could not be resolved."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("**/src/soundalike/**/*.py"))
    }
    methods = _methods_by_name(trees.values())
    calls = {path: [node for node in ast.walk(tree) if _is_call_of_re(node)] for path, tree in trees.items()}
    unresolved = [
        f"{path.name}: only `import re` is understood here"
        for path, tree in trees.items()
        if any(isinstance(node, ast.ImportFrom) and node.module in {"re", "regex"} for node in ast.walk(tree))
    ]
    uses: list[Use] = []
    compiled: dict[tuple[str, int], list[re.Pattern[Any]]] = {}
    with _record(compiled):
        modules = {path: importlib.import_module(_module_name(path)) for path in trees if calls[path]}
    for path, module in modules.items():
        for call in calls[path]:
            where = f"{module.__name__}:{call.lineno}"
            lines = range(call.lineno, (call.end_lineno or call.lineno) + 1)
            made = dict.fromkeys(pattern for line in lines for pattern in compiled.get((str(path), line), []))
            method = call.func.attr
            if method == "escape":
                continue
            if not made:
                try:
                    made = {re.compile(_value(call.args[0], module), _flags(call)): None}
                except Exception as error:  # noqa: BLE001
                    unresolved.append(f"{where}: {ast.unparse(call)} ({error!r})")
            used = {_kind(method)} - {"compile"}
            for name in _targets(trees[path], call):
                used |= methods.get(name, set())
            uses += [Use(where, p.pattern, p.flags, m) for p in made for m in sorted(used or _EVERY)]
    return uses, unresolved


def slowest(use: Use) -> Slow | None:
    """Return the worst text for a use, where it is over the limit."""
    compiled = re.compile(use.expression, use.flags)
    run = _search_all(compiled) if use.method == "search" else getattr(compiled, use.method)

    finalists: list[tuple[float, int, tuple[str, str, str]]] = []
    for number, form in enumerate(hostile_texts(use.expression, use.flags)):
        times: list[float] = []
        for length in LENGTHS:
            started = time.perf_counter()
            if not _is_in_time(run, _text(form, length, use.expression)):
                return _slow(use, form, length)
            # The clock of the processor ticks too slowly for an order.
            times.append(time.perf_counter() - started)
        short, long = times
        # What a linear expression would not need.
        heapq.heappush(finalists, (long - short * LENGTHS[1] / LENGTHS[0], -number, form))
        if len(finalists) > FINALISTS:
            heapq.heappop(finalists)
    for *_, form in sorted(finalists, reverse=True):
        if not _is_in_time(run, _text(form, FINAL_LENGTH, use.expression)):
            return _slow(use, form, FINAL_LENGTH)
    return None


def _slow(use: Use, form: tuple[str, str, str], length: int) -> Slow:
    text = f"{form[0]!r} + {form[1]!r} * n + {form[2]!r}, {length} characters"
    return Slow(use.where, str(use.expression), use.method, text)


def _search_all(compiled: re.Pattern[Any]) -> Callable[[Any], object]:
    return lambda text: deque(compiled.finditer(text), maxlen=0)


def _text(form: tuple[str, str, str], length: int, expression: str | bytes) -> str | bytes:
    prefix, pump, suffix = form
    text = prefix + pump * (length // len(pump)) + suffix
    return text.encode("latin-1") if isinstance(expression, bytes) else text


def _is_in_time(run: Callable[[Any], object], text: str | bytes) -> bool:
    """Tell whether a try ends before it has used up its seconds of the processor."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    try:
        run(text)
    except OutOfTime:
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return True


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise OutOfTime


@contextmanager
def _record(compiled: dict[tuple[str, int], list[re.Pattern[Any]]]) -> Iterator[None]:
    """Note by file and line what is compiled meanwhile."""
    original = re.compile

    def compile_and_note(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        caller = sys._getframe(1)
        result = original(pattern, flags)
        compiled.setdefault((caller.f_code.co_filename, caller.f_lineno), []).append(result)
        return result

    re.compile = compile_and_note  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = original


def _module_name(path: Path) -> str:
    sources = next(parent for parent in path.parents if parent.name == "src")
    return ".".join(path.relative_to(sources).with_suffix("").parts).removesuffix(".__init__")


def _is_call_of_re(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    )


def _kind(method: str) -> str:
    return "search" if method in _SEARCHES else method


def _methods_by_name(trees: Any) -> dict[str, set[str]]:
    """Return which methods are called on anything of a name, wherever that is."""
    methods: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _METHODS:
                target = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", None)
                if name and name != "re":
                    methods.setdefault(name, set()).add(_kind(node.attr))
    return methods


def _targets(tree: ast.Module, call: ast.Call) -> Iterator[str]:
    """Yield the names that the module gives to what a call makes."""
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        if any(node is call for node in ast.walk(statement.value)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _flags(call: ast.Call) -> int:
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    return int(_value(flags[0], re)) if flags else 0


def _value(expression: ast.expr, module: ModuleType) -> Any:
    names = vars(module) | {"re": re}
    return eval(compile(ast.Expression(expression), "<expression>", "eval"), names)  # noqa: S307 - our own source


def main() -> None:
    """Print the report."""
    resource.setrlimit(resource.RLIMIT_CPU, (_PROGRAM_LIMIT_S, _PROGRAM_LIMIT_S))
    signal.signal(signal.SIGPROF, _stop)
    unresolved: list[str] = []
    if sys.argv[1:]:
        uses = [Use("argument", text, 0, method) for text in sys.argv[1:] for method in ("search", "fullmatch")]
    else:
        uses, unresolved = our_uses()
    slow = [results for use in uses if (results := slowest(use))]
    report = {
        "tried": sorted({use.where for use in uses}),
        "unresolved": unresolved,
        "slow": [asdict(one) for one in slow],
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
