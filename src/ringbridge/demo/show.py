"""The demo from its first process to its verdict."""

import asyncio
import signal
import tempfile
import wave
from array import array
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from ringbridge.client import AsyncClient, ClientError
from ringbridge.demo.child import Child, environment_for
from ringbridge.demo.curl import http_url
from ringbridge.demo.errors import DemoFailed
from ringbridge.demo.furniture import ACCOUNT_ID, DESTINATION, Furniture, furnish
from ringbridge.demo.timeline import Timeline
from ringbridge.demo.verdict import Verdict, judge_destination, judge_user
from ringbridge.service.clock import Clock
from ringbridge.service.example import EXAMPLE_DESTINATION_LINE, curl_command

SIDES = ("user", "destination")
JUDGES = {"user": judge_user, "destination": judge_destination}

CALL_SECONDS = 40.0
REPORT_SECONDS = 3.0
RECORD_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.02
LAST_WORDS_SECONDS = 1.0


async def run(*, calls: int, once: bool, out: Path) -> bool:
    """Show `calls` calls at once and tell whether all went as they should. Raises DemoFailed.

    Unless `once`, it goes on until Ctrl-C and tells of every further call that somebody places.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _interrupt)
    failure: BaseException | None = None
    try:
        async with _stage(calls, _made(out)) as show:
            return await show.run(Console(highlight=False), once=once)
    except* (DemoFailed, ClientError) as failures:
        failure = failures
    # Of several processes that failed together the first is the reason of the others.
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    raise DemoFailed(str(failure)) from failure


def _interrupt() -> None:
    """SIGTERM ends as Ctrl-C does, also where a shell that started the demo in the background has SIGINT ignored."""
    raise KeyboardInterrupt


def _made(folder: Path) -> Path:
    """The folder, made if need be, with its whole path. Raises DemoFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoFailed(
            f"cannot write to {folder} ({error.strerror}): name another folder with --out"
        ) from error
    return folder.absolute()


@asynccontextmanager
async def _stage(calls: int, out: Path) -> "AsyncIterator[Show]":
    """Server, phones and database; all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ringbridge-demo-") as name:
        folder = Path(name)
        environment = environment_for(folder)
        async with Child(
            "phones", ["-m", "ringbridge.demo.phones"], environment, folder / "phones.log"
        ) as phones:
            ports = await phones.first_words()
            with furnish(
                folder, lines=calls, user_port=ports["user"], destination_port=ports["destination"]
            ) as furniture:
                words = ["-m", "ringbridge", "serve", "--json"]
                async with Child("server", words, environment, folder / "server.log") as server:
                    listening = await server.first_words()
                    phones.write(
                        {
                            "server": [listening["sip_host"], listening["sip_port"]],
                            "lines": furniture.lines,
                            "out": str(out),
                        }
                    )
                    url = http_url(listening["http_host"], listening["http_port"])
                    yield Show(server, phones, furniture, url, listening["owner_link"])


class Show:
    """The calls, what is told of them, and what is heard."""

    def __init__(self, server: Child, phones: Child, furniture: Furniture, url: str, owner_link: str) -> None:
        self._server = server
        self._phones = phones
        self._furniture = furniture
        self._url = url
        self._owner_link = owner_link
        self._clock = Clock()
        self._files: dict[tuple[str, str], asyncio.Future[Path]] = {}
        self._is_judged = False
        self._console: Console
        self._timeline: Timeline
        self._server_watch: asyncio.Task[None]

    async def run(self, console: Console, *, once: bool) -> bool:
        """Whether every call went as it should."""
        self._console = console
        self._say(f"ringbridge listens at {self._url}; its two phones are processes of their own\n")
        self._timeline = Timeline(console, self._clock.utc_now())
        for line in self._furniture.lines:
            self._expect(line)
        async with asyncio.TaskGroup() as tasks:
            self._server_watch = tasks.create_task(self._watch_server())
            phones_watch = tasks.create_task(self._watch_phones())
            is_right = await self._place_all()
            if not once:
                await self._go_on()
            self._server_watch.cancel()
            phones_watch.cancel()
        return is_right

    # The calls

    async def _place_all(self) -> bool:
        lines = self._furniture.lines
        more = f", with {len(lines) - 1} more at the same time" if len(lines) > 1 else ""
        self._timeline.tell(self._clock.utc_now(), "click", f"{lines[0]} wants {DESTINATION}{more}")
        async with AsyncClient(self._url, ACCOUNT_ID, self._furniture.key) as client:
            with self._waiting():
                async with asyncio.TaskGroup() as tasks:
                    placed = [tasks.create_task(self._place(client, line)) for line in lines]
                verdicts = [await self._judge(line) for line in lines]
        self._is_judged = True
        self._tell_verdict(lines[0], verdicts[0])
        outcomes = Counter(task.result() for task in placed)
        heard = sum(all(verdict.is_right for verdict in pair) for pair in verdicts)
        records = await self._count_records(len(lines))
        self._say(
            f"outcome: {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}; "
            f"heard on both sides: {heard}; records: {records}"
        )
        return outcomes["completed"] == heard == records == len(lines)

    async def _count_records(self, expected: int) -> int:
        """How many records there are, once all are written: that is some milliseconds after the end was told."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RECORD_SECONDS):
                while self._furniture.records() < expected:
                    # Nobody tells when a record is written.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                            await asyncio.Event().wait()
        return self._furniture.records()

    async def _place(self, client: AsyncClient, line: str) -> str:
        """One call from the click to the record; its outcome."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                fields = {"user_line": line, "destination_line": DESTINATION}
                call_id = (await client.ask("POST", "/api/v1/call", fields))["api_request_id"]
                async for event in client.follow(call_id):
                    if line == self._furniture.lines[0]:
                        self._timeline.tell_event(event.at.timestamp(), event.name, event.state)
        except TimeoutError as error:
            raise DemoFailed(f"the call of {line} was not over within {CALL_SECONDS:g} s") from error
        except ClientError:
            # Of a server that has died its process tells more, in a moment.
            await asyncio.wait((self._server_watch,), timeout=LAST_WORDS_SECONDS)
            raise
        return str((await client.find(call_id)).outcome)

    async def _go_on(self) -> None:
        """Tell of further calls until Ctrl-C."""
        self._say(f"\nThe portal, in a browser: {self._url}/")
        self._say(
            f"This makes you its owner, once, within 10 minutes: {self._url}/welcome/{self._owner_link}"
        )
        self._say(f"Documentation of the API: {self._url}/docs")
        self._say("Let the phones ring again, from another terminal:\n")
        user_line = self._furniture.lines[0]
        self._say(curl_command(self._url, self._furniture.authorization, user_line, EXAMPLE_DESTINATION_LINE))
        self._say("\nCtrl-C ends the demo.\n")
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for kind in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(kind, stopped.set)
        await stopped.wait()

    # What the two processes say

    async def _watch_server(self) -> None:
        """The server says where it listens and nothing more; whatever comes next is its end."""
        while True:
            await self._server.read()

    async def _watch_phones(self) -> None:
        while True:
            self._hear_of(await self._phones.read())

    def _hear_of(self, report: dict[str, Any]) -> None:
        side, line, at = report["phone"], report["line"], report["at"]
        is_shown = line == self._furniture.lines[0]
        if report["what"] == "ringing":
            if is_shown and self._is_judged and side == "user":
                # Somebody else's call: the click is not known here, the first ringing is close to it.
                self._timeline.restart(at)
                self._expect(line)
            what = f"rings and shows {report['shows']}"
        else:
            what = "answers" if report["what"] == "answered" else "is hung up"
        if is_shown:
            self._timeline.tell(at, side, what)
        if report["what"] == "hung_up":
            self._keep(side, line, Path(report["file"]))

    def _keep(self, side: str, line: str, file: Path) -> None:
        """A recording is written."""
        future = self._files.get((side, line))
        if future is None or future.done():
            return
        future.set_result(file)
        is_complete = all(self._files[other, line].done() for other in SIDES)
        if self._is_judged and is_complete and line == self._furniture.lines[0]:
            self._tell_verdict(
                line, [JUDGES[other](_read_wav(self._files[other, line].result())) for other in SIDES]
            )

    def _expect(self, line: str) -> None:
        for side in SIDES:
            self._files[side, line] = asyncio.get_running_loop().create_future()

    # What was heard

    async def _judge(self, line: str) -> list[Verdict]:
        """What each side heard, by its recording."""
        return [await self._judge_side(side, line) for side in SIDES]

    async def _judge_side(self, side: str, line: str) -> Verdict:
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                file = await asyncio.shield(self._files[side, line])
        except TimeoutError:
            return Verdict(is_right=False, sentence=f"the {side}'s phone was not part of a call")
        return JUDGES[side](_read_wav(file))

    def _tell_verdict(self, line: str, verdicts: list[Verdict]) -> None:
        self._timeline.flush()
        self._say("")
        for verdict in verdicts:
            mark, style = ("right", "green") if verdict.is_right else ("wrong", "bold red")
            self._console.print(mark, style=style, end="  ")
            self._say(verdict.sentence)
        for side in SIDES:
            if self._files[side, line].done():
                self._say(f"wrote  {self._files[side, line].result()}")

    def _waiting(self) -> AbstractContextManager[object]:
        return self._console.status("the call runs") if self._console.is_terminal else nullcontext()

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False)


def _read_wav(file: Path) -> "array[int]":
    with wave.open(str(file), "rb") as sound:
        return array("h", sound.readframes(sound.getnframes()))
