# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""Solvers that cheat: each tries to get a better answer, or a better record, than it has earned.

A theft that works answers with the stolen solution, or with `loot`; one that fails, with nothing cached.
"""

import ctypes
import gc
import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import mincache
import mincache.problem.evaluation
from mincache import Instance, Run, Solution, Solver, serve
from mincache.files.documents import read_instance, read_solution

PACKAGE = Path(find_spec("mincache").origin).parent
SUITES = Path(find_spec("mincache.instances").origin).parent
TOKEN = "mincache-smuggled"


def loot(instance: Instance) -> Solution:
    """Return an answer that is better than caching nothing: the first models that fit."""
    size_gb = instance.models.size_gb
    fits = np.cumsum(size_gb) <= instance.server.storage_gb
    return serve(instance, np.tile(fits.astype(int), (instance.slot_count, 1)))


class Thief(Solver):
    """Answer with the first thing that stealing gives."""

    def steal(self, instance: Instance) -> Iterable[object]:
        """Yield solutions, or anything else that only a theft can give."""
        raise NotImplementedError

    def solve(self, instance: Instance, run: Run) -> Solution:
        try:
            for found in self.steal(instance):
                if isinstance(found, Solution):
                    return replace(found, instance=instance.name)
                if found:
                    return loot(instance)
        except Exception as error:
            print(type(error).__name__, error)
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class ByName(Thief):
    """Open the solution that ships under the instance's name."""

    def steal(self, instance: Instance) -> Iterable[object]:
        yield read_solution(SUITES / "smoke-v1" / "solutions" / f"{instance.name}.json.gz")


@dataclass(frozen=True)
class ByContent(Thief):
    """Find the instance among all that ship by what is requested, and open its solution."""

    def steal(self, instance: Instance) -> Iterable[object]:
        for path in SUITES.glob("smoke-v1/*.json"):
            if np.array_equal(read_instance(path).trace.requested_model, instance.trace.requested_model):
                yield read_solution(path.parent / "solutions" / f"{path.name}.gz")


@dataclass(frozen=True)
class ByWalking(Thief):
    """Walk the package and the folder of the suites for solutions."""

    def steal(self, instance: Instance) -> Iterable[object]:
        for folder in (PACKAGE, SUITES):
            for path in folder.glob(f"**/solutions/{instance.name}.json.gz"):
                yield read_solution(path)


@dataclass(frozen=True)
class ByCertificate(Thief):
    """Open the certificate that ships with the instance."""

    def steal(self, instance: Instance) -> Iterable[object]:
        yield next((SUITES / "smoke-v1" / "certificates").glob(f"{instance.name}*")).read_bytes()


@dataclass(frozen=True)
class ByReference(Thief):
    """Ask the package for the best known cost."""

    def steal(self, instance: Instance) -> Iterable[object]:
        yield mincache.suite("smoke-v1").references[instance.name].cost > 0


@dataclass(frozen=True)
class FromTheBoard(Thief):
    """Open the published solutions in the checkout."""

    def steal(self, instance: Instance) -> Iterable[object]:
        yield next((PACKAGE.parent / "leaderboard").glob("*/*/solutions*")).read_bytes()


@dataclass(frozen=True)
class FromTheHistory(Thief):
    """Open the history of the checkout, which has every solution that was ever in it."""

    def steal(self, instance: Instance) -> Iterable[object]:
        yield next((PACKAGE.parent / ".git" / "objects").glob("*/*")).read_bytes()


@dataclass(frozen=True)
class ThroughRootLinks(Thief):
    """Go round what hides the solutions by the links to the root and folders of other processes."""

    def steal(self, instance: Instance) -> Iterable[object]:
        place = SUITES.relative_to("/") / "smoke-v1" / "solutions" / f"{instance.name}.json.gz"
        for process in ("1", "self", str(os.getppid())):
            for link in ("root", "cwd"):
                path = Path("/proc", process, link, place)
                if os.path.exists(path):
                    yield read_solution(path)


@dataclass(frozen=True)
class ByDescriptors(Thief):
    """Read what lies behind the descriptors that the run was left with."""

    def steal(self, instance: Instance) -> Iterable[object]:
        for one in os.listdir("/proc/self/fd"):
            path = Path(os.readlink(f"/proc/self/fd/{one}")) if int(one) > 2 else Path("/dev/null")
            yield path.is_absolute() and path.suffix in (".jsonl", ".json", ".gz", ".toml") and path.exists()


@dataclass(frozen=True)
class FromParentsMemory(Thief):
    """Read the memory of the process that started the run."""

    def steal(self, instance: Instance) -> Iterable[object]:
        with Path(f"/proc/{os.getppid()}/mem").open("rb") as memory:
            first = Path(f"/proc/{os.getppid()}/maps").read_text().partition("-")[0]
            memory.seek(int(first, 16))
            yield memory.read(16)


@dataclass(frozen=True)
class FromTheCollector(Thief):
    """Look among the interpreter's objects for a solution or a reference."""

    def steal(self, instance: Instance) -> Iterable[object]:
        for one in gc.get_objects():
            if type(one).__name__ in ("Solution", "Reference", "Record", "Judged", "ListedInstance"):
                yield one


@dataclass(frozen=True)
class ByTracing(Thief):
    """Take hold of the process that started the run as a debugger does."""

    def steal(self, instance: Instance) -> Iterable[object]:
        attach, seize = 16, 0x4206
        for request in (seize, attach):  # the second would stop it for seconds
            yield ctypes.CDLL(None).ptrace(request, os.getppid(), 0, 0) == 0


@dataclass(frozen=True)
class PatchesEvaluator(Solver):
    """Replace the evaluator by one that finds everything free."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        mincache.evaluate = mincache.problem.evaluation.evaluate = lambda *_: 0.0
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class PatchesClock(Solver):
    """Stop every clock, and take 0.2 s."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        time.sleep(0.2)
        time.monotonic = time.perf_counter = time.time = time.process_time = lambda: 0.0
        time.monotonic_ns = time.perf_counter_ns = time.time_ns = lambda: 0
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class SetsTheClock(Solver):
    """Set the machine's clock."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        try:
            time.clock_settime(
                time.CLOCK_REALTIME, time.time()
            )  # what is tried is the right to, not the harm
        except OSError:
            return Solution.nothing_cached(instance)
        return loot(instance)


@dataclass(frozen=True)
class ExtendsItsBudget(Solver):
    """Give the run more time than it has, and use it."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        for one in (run, getattr(run, "budget", run)):
            for name in ("seconds", "wall_s", "limit_s", "budget"):
                if hasattr(one, name):
                    object.__setattr__(one, name, 1e9)
        time.sleep(30.0)
        return loot(instance)


@dataclass(frozen=True)
class WorksInItsConstructor(Solver):
    """Do the work, 0.2 s of it, before there is an instance to solve."""

    def __post_init__(self) -> None:
        time.sleep(0.2)

    def solve(self, instance: Instance, run: Run) -> Solution:
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class WorksInSupports(Solver):
    """Do the work, 0.2 s of it, when asked whether it answers the instance."""

    def supports(self, instance: Instance) -> str | None:
        time.sleep(0.2)
        return None

    def solve(self, instance: Instance, run: Run) -> Solution:
        return Solution.nothing_cached(instance)


class Later(np.ndarray):
    """An array that takes its time when it is read."""

    def tolist(self) -> list[object]:
        time.sleep(0.2)
        return super().tolist()


@dataclass(frozen=True)
class AnswersLater(Solver):
    """Return arrays that are computed, in 0.2 s, when they are written down."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        answer = Solution.nothing_cached(instance)
        object.__setattr__(answer, "cache", answer.cache.view(Later))
        return answer


@dataclass(frozen=True)
class Unborn(Solution):
    """A solution of another kind."""

    extra: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class AnswersOfAnotherKind(Solver):
    """Return something derived from a solution, whose methods are its own."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        return Unborn(**vars(Solution.nothing_cached(instance)))


@dataclass(frozen=True)
class ClaimsOptimality(Solver):
    """Claim that nothing can be better than caching nothing."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        answer = Solution.nothing_cached(instance)
        run.report(answer, bound=mincache.evaluate(instance, answer).cost)
        return answer


@dataclass(frozen=True)
class ClaimsNothingLess(Solver):
    """Claim minus infinity as a bound, so that there is one."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        answer = Solution.nothing_cached(instance)
        run.report(answer, bound=-np.inf)
        return answer


@dataclass(frozen=True)
class ReportsTooMuch(Solver):
    """Report an early incumbent that caches every model, for a curve that begins low."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        nothing = Solution.nothing_cached(instance)
        run.report(Solution.of(instance, nothing.decisions._replace(cache=np.ones_like(nothing.cache))))
        return nothing


@dataclass(frozen=True)
class TakesALittleMore(Solver):
    """Use a thousandth more bandwidth than there is."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        best = loot(instance)
        return replace(best, bandwidth_share=np.minimum(best.bandwidth_share * 1.001, 1.0))


@dataclass(frozen=True)
class ChoosesItsSeed(Solver):
    """Draw from a generator of its own choice: the global one."""

    stochastic = True

    def solve(self, instance: Instance, run: Run) -> Solution:
        np.random.rand(3)  # noqa: NPY002
        return Solution.nothing_cached(instance)


@dataclass(frozen=True)
class Smuggles(Thief):
    """Leave a token for the next repetition, which gets a better answer from it.

    Attributes:
        by: where the token lies.
    """

    by: str = "module"
    stochastic = True

    def steal(self, instance: Instance) -> Iterable[object]:
        if self.by == "module":
            yield hasattr(mincache, TOKEN)
            setattr(mincache, TOKEN, True)
        elif self.by == "environment":
            yield TOKEN in os.environ
            os.environ[TOKEN] = "1"
        elif self.by == "package":
            yield (PACKAGE / TOKEN).exists()
            (PACKAGE / TOKEN).touch()
        elif self.by == "temporary":
            yield Path("/tmp", TOKEN).exists()
            Path("/tmp", TOKEN).touch()
        elif self.by == "beside":
            yield Path(__file__).with_name(TOKEN).exists()
            Path(__file__).with_name(TOKEN).touch()
        elif self.by == "daemon":
            with socket.socket(socket.AF_UNIX) as one:
                yield one.connect_ex(f"\0{TOKEN}") == 0
            _stay()
        elif self.by == "thread":
            yield any(one.name == TOKEN for one in threading.enumerate())
            threading.Thread(target=time.sleep, args=(30.0,), name=TOKEN, daemon=True).start()


def _stay() -> None:
    """Leave a process behind that listens, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(f"\0{TOKEN}")
                one.listen()
                time.sleep(20.0)
        os._exit(0)
    time.sleep(0.1)
