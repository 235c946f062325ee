"""The dialogs of this process in a file, so that a restarted server can end the legs that a killed one left.

A line for each change: the session's name and its dialog, or nothing once it is over. It is written at once and before
the packet leaves that makes it true: what the kernel has taken survives the death of the process. It is not forced to
the disk, because that would cost every call three commits; after a loss of power the peers' own session timers end
what was up. What can be in a dialog is no secret.
"""

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
        self._left = _read(path)
        self._kept: dict[str, str] = {}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._octets = os.fstat(self._file).st_size

    def take_left(self) -> list[str]:
        """The dialogs that an earlier process left, once; end them, then call `clear`."""
        left, self._left = list(self._left.values()), {}
        return left

    def clear(self) -> None:
        """Forget what was left."""
        self._compact()

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
            os.write(self._file, line)
            self._octets += len(line)
            if self._octets > COMPACT_OCTETS:
                self._compact()
        except OSError as exc:
            # The call goes on: it is only its rescue after a crash that is lost.
            log.error("sip.journal_not_written", path=str(self._path), error=exc.strerror)

    def _compact(self) -> None:
        """Write what is remembered now to a new file, and put it in the place of the old one."""
        draft = self._path.with_name(self._path.name + ".new")
        text = "".join(f"{session} {dialog}\n" for session, dialog in self._kept.items()).encode()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(file, text)
        os.replace(draft, self._path)
        os.close(self._file)
        self._file, self._octets = file, len(text)


def _read(path: Path) -> dict[str, str]:
    """What the file remembers. A last line without its end was cut by a loss of power."""
    kept: dict[str, str] = {}
    if not path.exists():
        return kept
    *lines, _cut = path.read_text(errors="replace").split("\n")
    for line in lines:
        session, _, dialog = line.partition(" ")
        if dialog:
            kept[session] = dialog
        else:
            kept.pop(session, None)
    return kept
