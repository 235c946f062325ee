"""What can go wrong in a demo.

DemoFailed        it could not be carried through: a process ended, a folder cannot be written, the server refused

That the two sides did not hear each other is no error but a verdict.
"""


class DemoFailed(Exception):
    """The demo cannot go on. The text is one sentence."""
