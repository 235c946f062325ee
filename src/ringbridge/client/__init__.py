"""A client of a ringbridge server, for programs in Python: `Client`, and `AsyncClient` for those with an event loop.

from ringbridge.client import Client

client = Client("http://127.0.0.1:8080", "1009683", "c2c_live_...")
call = client.place("201", "+1 (512) 529-2329", metadata={"order": "4711"})
for event in client.follow(call.id):
    print(event.at, event.name)
"""

from ringbridge.client.asynchronous import AsyncClient
from ringbridge.client.blocking import Client
from ringbridge.client.errors import (
    ClientError,
    NotAllowed,
    NotThere,
    Refused,
    ServerBusy,
    ServerUnreachable,
    TooMany,
)
from ringbridge.client.model import Call, CallEvent, Leg, Record, RecordLeg, Schedule, Third
from ringbridge.client.operation import CallOptions

__all__ = [
    "AsyncClient",
    "Call",
    "CallEvent",
    "CallOptions",
    "Client",
    "ClientError",
    "Leg",
    "NotAllowed",
    "NotThere",
    "Record",
    "RecordLeg",
    "Refused",
    "Schedule",
    "ServerBusy",
    "ServerUnreachable",
    "Third",
    "TooMany",
]
