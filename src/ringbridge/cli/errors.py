"""What a command tells the administrator when it cannot do its work.

CommandError       one sentence; the process ends with status 2
"""


class CommandError(Exception):
    """The command cannot do what was asked. The text is one sentence that says why, and what to do."""
