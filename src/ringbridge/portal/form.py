"""The fields of a form that was sent, and what is said of those that have to be corrected."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile

from ringbridge.call.errors import CallError, InvalidOption
from ringbridge.call.user import UnusablePassword


class Form:
    """The fields of a form: text without blanks around it, '' for one that was not sent."""

    def __init__(self, texts: Mapping[str, list[str]], files: Mapping[str, UploadFile]) -> None:
        self._texts = texts
        self._files = files

    def __getitem__(self, name: str) -> str:
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The text as it was typed: a password may begin with a blank."""
        return self._texts.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """All values of one name, as of several ticked boxes."""
        return [value.strip() for value in self._texts.get(name, [])]

    def has(self, name: str) -> bool:
        """Whether the field was sent: a box that is not ticked is not."""
        return name in self._texts

    def file(self, name: str) -> UploadFile | None:
        """A file that was chosen."""
        return self._files.get(name)

    def values(self) -> dict[str, str]:
        """What to show again in a form that has to be corrected."""
        return {name: values[-1].strip() for name, values in self._texts.items()}


class Texts(dict[str, str]):
    """What is not there is empty: a form that is shown first has neither values nor faults."""

    def __missing__(self, name: str) -> str:
        return ""


def fault_of(error: CallError) -> dict[str, str]:
    """What is wrong with a form: the field that the error names, or `form` for all of it, and the error's code."""
    name = error.option if isinstance(error, InvalidOption) else "form"
    if isinstance(error, UnusablePassword):
        name = "password"
    return {name: error.code}


def own_path(text: str) -> str:
    """`text` if it is a path of this site, else the first page: nobody is sent elsewhere by a link to us."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\"))
    # Else it goes into no header.
    return text if is_own and text.isascii() and text.isprintable() else "/"


def path_of(url: str) -> str:
    """The path of a page of ours, as a browser names the page that it comes from."""
    try:
        return own_path(urlsplit(url).path)
    except ValueError:
        return "/"
