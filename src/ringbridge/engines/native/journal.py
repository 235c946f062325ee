"""The dialogs that are up, in a file, so that a restarted server can end the legs that a killed one left.

A line for each change: the session's name and its dialog, or nothing once it is over. It is written at once and before
the packet leaves that makes it true: what the kernel has taken survives the death of the process. It is not forced to
the disk, because that would cost every call three commits; after a loss of power the peers' own session timers end
what was up. What can be in a dialog is no secret.
"""

import contextlib
import os
from pathlib import Path

import structlog

log = structlog.get_logger()

# A call writes about 2 KiB. Compacting this much takes a few milliseconds with a thousand legs up.
COMPACT_OCTETS = 16 * 1024 * 1024


class DialogJournal:
    """Dialogs, each one line of text, by the name of their SIP session, which has no blanks. Not for two processes at once."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, made if it is missing. Raises OSError."""
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        lines = path.read_bytes()
        # A last line without its end was cut by a loss of power.
        lines = lines[: lines.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(lines))
        self._octets = len(lines)
        self._compact_at_octets = COMPACT_OCTETS
        self._kept = _read(lines)

    def kept(self) -> dict[str, str]:
        """The dialogs that are remembered now, by session: at the start those that an earlier process left."""
        return dict(self._kept)

    def keep(self, session: str, dialog: str) -> None:
        """Remember the dialog of a session, in place of what was remembered."""
        self._kept[session] = dialog
        self._write(session, dialog)

    def forget(self, session: str) -> None:
        """The session is over; no-op for one that is not remembered."""
        if self._kept.pop(session, None) is not None:
            self._write(session, "")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, session: str, dialog: str) -> None:
        line = f"{session} {dialog}\n".encode()
        try:
            _write_all(self._file, line)
        except OSError as exc:
            # The call goes on: it is only its rescue after a crash that is lost.
            log.error("sip.journal_not_written", path=str(self._path), error=exc.strerror)
            # Half a line would spoil the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._octets)
            return
        self._octets += len(line)
        if self._octets > self._compact_at_octets:
            self._compact()
            self._compact_at_octets = max(COMPACT_OCTETS, 2 * self._octets)

    def _compact(self) -> None:
        """Write what is remembered now to a new file, and put it in the place of the old one, which else stays."""
        draft = self._path.with_name(self._path.name + ".new")
        text = "".join(f"{session} {dialog}\n" for session, dialog in self._kept.items()).encode()
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                _write_all(file, text)
                os.replace(draft, self._path)
            except BaseException:
                os.close(file)
                draft.unlink()
                raise
        except OSError as exc:
            log.error("sip.journal_not_compacted", path=str(self._path), error=exc.strerror)
            return
        os.close(self._file)
        self._file, self._octets = file, len(text)


def _write_all(file: int, data: bytes) -> None:
    """Write everything, in several goes if it must be: a disk that is nearly full takes a part of it."""
    while data:
        data = data[os.write(file, data) :]


def _read(lines: bytes) -> dict[str, str]:
    """What the file remembers."""
    kept: dict[str, str] = {}
    for line in lines.decode(errors="replace").split("\n"):
        session, _, dialog = line.partition(" ")
        if dialog:
            kept[session] = dialog
        else:
            kept.pop(session, None)
    return kept
