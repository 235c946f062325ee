"""ringbridge: a self-hosted click-to-call server.

`bootstrap.py` is the only module that knows every name; ARCHITECTURE.md has the map.
"""

__version__ = "0.1.0"
