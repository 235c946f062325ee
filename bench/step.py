"""The steps of the benchmark: which trials each makes, and which figures it draws from them."""

import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.capture import CaptureUnavailable, percentiles
from bench.guessing import measure_guessing
from bench.imports import measure_imports
from bench.report import Figure, ResultFile, Table
from bench.trial import Result, Target, run_trial

STEPS = ("sustain", "cost", "cost-tcp", "cost-tls", "delay", "memory", "guessing", "imports")
# Only servers of this repository are set up for them.
OWN_STEPS = ("cost-tcp", "cost-tls", "guessing", "imports")
# They take minutes a run, and are measured only when they are asked for.
LONG_STEPS = ("guessing", "imports")

LADDER_CALLS_PER_SECOND = (50.0, 100.0, 150.0, 200.0, 250.0, 300.0)
LADDER_SECONDS = 5
USUAL_RATE = 50.0
HOLD_MS = 1000
WARM_UP_CALLS = 100
HELD_CALLS = 1000
HELD_RATE = 100.0
# From the first call to after the last is up: the ramp, the look, and some slack.
HELD_MS = int(HELD_CALLS / HELD_RATE * 1000) + 6000

GOAL_CALLS_PER_SECOND = 100.0
GOAL_CPU_MS = 4.0
GOAL_DIAL_MS = 2.0
GOAL_KIB = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything: calls in a run, calls/s (None: each step's own), runs of each step."""

    calls: int
    rate: float | None
    runs: int


class Bench:
    """Runs steps against a system. Calls are numbered through, so that no line is still busy from its last one.

    running: gives the system, freshly started if that can be done, which calls over that transport.
    """

    def __init__(
        self, running: Callable[[str], AbstractContextManager[Target]], folder: Path, results: ResultFile
    ) -> None:
        self._running = running
        self._folder = folder
        self._results = results
        self._calls_made = 0
        self._trials_made = 0

    async def measure(self, step: str, plan: Plan) -> Table:
        """The table of one of STEPS; without figures if it could not be measured, which is then said on standard error."""
        match step:
            case "sustain":
                return await self._sustain(plan)
            case "cost":
                return await self._cost(plan, "udp")
            case "cost-tcp":
                return await self._cost(plan, "tcp")
            case "cost-tls":
                return await self._cost(plan, "tls")
            case "delay":
                return await self._delay(plan)
            case "memory":
                return await self._memory(plan)
            case "guessing":
                return await self._beside(measure_guessing, plan)
            case _:
                return await self._beside(measure_imports, plan)

    async def _sustain(self, plan: Plan) -> Table:
        ladder = [rate for rate in LADDER_CALLS_PER_SECOND if plan.rate is None or rate < plan.rate]
        if plan.rate is not None:
            ladder.append(plan.rate)
        best: list[float] = []
        complete: dict[float, list[float]] = {rate: [] for rate in ladder}
        for _ in range(plan.runs):
            best.append(0.0)
            with self._running("udp") as target:
                await self._warm_up(target)
                for rate in ladder:
                    calls = int(rate * LADDER_SECONDS)
                    result = await self._trial("sustain", target, calls=calls, rate=rate)
                    complete[rate].append(100 * result.complete / result.asked)
                    if not result.every_call_complete:
                        break
                    best[-1] = rate
        goal = Figure("every call complete", "calls/s", best, goal=GOAL_CALLS_PER_SECOND, more_is_better=True)
        shares = [
            Figure(f"complete at {rate:g} calls/s", "%", values)
            for rate, values in complete.items()
            if values
        ]
        return Table("Sustained rate", [goal, *shares])

    async def _cost(self, plan: Plan, transport: str) -> Table:
        rate = plan.rate or USUAL_RATE
        with self._running(transport) as target:
            if not target.processes:
                return _unmeasured("cost", "name the processes that count with --pid")
            await self._warm_up(target)
            results = [
                await self._trial("cost", target, calls=plan.calls, rate=rate) for _ in range(plan.runs)
            ]
        figures = [
            Figure(name, "ms", [result.cpu_ms[name] for result in results]) for name in target.processes
        ]
        together = [sum(result.cpu_ms.values()) for result in results]
        # Connections have no goal of their own: their figures are to be seen beside it.
        figures.append(Figure("together", "ms", together, goal=GOAL_CPU_MS if transport == "udp" else None))
        figures.append(_share_complete(results))
        return Table(f"CPU time for a complete call, at {rate:g} calls/s over {transport.upper()}", figures)

    async def _delay(self, plan: Plan) -> Table:
        rate = plan.rate or USUAL_RATE
        try:
            with self._running("udp") as target:
                await self._warm_up(target)
                results = [
                    await self._trial("delay", target, calls=plan.calls, rate=rate, is_captured=True)
                    for _ in range(plan.runs)
                ]
        except CaptureUnavailable as error:
            return _unmeasured("delay", str(error))
        runs = [{**result.delays_ms, "HTTP request to answer": result.http_ms} for result in results]
        figures = [
            Figure(
                f"{step}, {point}",
                "ms",
                [percentiles(run[step])[point] for run in runs],
                goal=GOAL_DIAL_MS if (step, point) == ("user 200 to destination INVITE", "p50") else None,
            )
            for step in runs[0]
            if all(run.get(step) for run in runs)
            for point in ("p50", "p90", "p99")
        ]
        figures.append(Figure("SIP messages seen twice", "", [float(result.repeated) for result in results]))
        figures.append(_share_complete(results))
        return Table(f"Delays, at {rate:g} calls/s", figures)

    async def _memory(self, plan: Plan) -> Table:
        growth: dict[str, list[float]] = {}
        results: list[Result] = []
        for _ in range(plan.runs):
            # A process keeps what it once had: only a fresh one shows what calls take.
            with self._running("udp") as target:
                if not target.processes:
                    return _unmeasured("memory", "name the processes that count with --pid")
                await self._warm_up(target)
                result = await self._trial(
                    "memory", target, calls=HELD_CALLS, rate=HELD_RATE, hold_ms=HELD_MS, is_weighed=True
                )
            for name, kib in result.growth_kib.items():
                growth.setdefault(name, []).append(kib / HELD_CALLS)
            results.append(result)
        figures = [Figure(name, "KiB", values) for name, values in growth.items()]
        together = [sum(values) for values in zip(*growth.values(), strict=True)]
        figures.append(Figure("together", "KiB", together, goal=GOAL_KIB))
        figures.append(_share_complete(results))
        return Table(f"Memory for a call held open, {HELD_CALLS} at once", figures)

    async def _beside(self, measure: Callable[[Target, int], Awaitable[Table]], plan: Plan) -> Table:
        with self._running("udp") as target:
            await self._warm_up(target)
            return await measure(target, plan.runs)

    async def _warm_up(self, target: Target) -> None:
        """Fill caches and pools, so that the first run is like the others."""
        await self._trial("warm-up", target, calls=WARM_UP_CALLS, rate=USUAL_RATE)

    async def _trial(
        self,
        step: str,
        target: Target,
        *,
        calls: int,
        rate: float,
        hold_ms: int = HOLD_MS,
        is_captured: bool = False,
        is_weighed: bool = False,
    ) -> Result:
        self._trials_made += 1
        first, self._calls_made = self._calls_made, self._calls_made + calls
        result = await run_trial(
            target,
            first=first,
            calls=calls,
            rate=rate,
            hold_ms=hold_ms,
            folder=self._folder / f"trial-{self._trials_made}",
            is_captured=is_captured,
            is_weighed=is_weighed,
        )
        self._results.add_run(step, result.facts())
        if not result.every_call_complete:
            answers = ", ".join(f"{count} x {word}" for word, count in result.answers.items())
            print(f"{step}: {result.complete} of {calls} calls complete (HTTP: {answers})", file=sys.stderr)
        return result


def _share_complete(results: Iterable[Result]) -> Figure:
    values = [100 * result.complete / result.asked for result in results]
    return Figure("calls complete", "%", values, goal=100.0, more_is_better=True)


def _unmeasured(step: str, reason: str) -> Table:
    print(f"{step} was not measured: {reason}", file=sys.stderr)
    return Table(step, [])
