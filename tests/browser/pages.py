"""Every page that an owner can open, by the name of its pictures: axe looks at each, and scripts/screenshots photographs it.

Whoever adds a page adds a line. What a page needs besides (a call, a key) is made by a function in `FURNITURE`.
"""

from tests.peers.server import Deployment

PAGES = {
    "home": "/",
    "profile": "/profile",
    "second-factor": "/profile/second-factor",
    "users": "/users",
    "users-new": "/users/new",
}

# Without anybody signed in.
OPEN_PAGES = {
    "login": "/login",
}


def furnish(deployment: Deployment) -> None:
    """What is to be seen on the pages: done to the data folder before the server starts."""
