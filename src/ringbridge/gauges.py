"""What a running server shows of itself in /metrics, besides the calls that `notify.metrics` counts."""

import asyncio

from ringbridge.engines.native.engine import NativeEngine
from ringbridge.notify.metrics import Metrics
from ringbridge.service.calls import CallService


def add_gauges(metrics: Metrics, calls: CallService, engine: NativeEngine) -> None:
    """What the whole server holds."""
    metrics.gauge("calls", "Calls that are not over.", lambda: calls.running)
    metrics.gauge("media_sessions", "Calls that hold media ports.", lambda: engine.open_media_sessions)
    metrics.gauge("sip_sessions", "Legs that are dialled or up.", lambda: engine.counts.sessions)
    metrics.gauge(
        "sip_transactions",
        "SIP transactions that are not over.",
        lambda: engine.counts.client_transactions + engine.counts.server_transactions,
    )
    metrics.gauge("tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
    metrics.gauge(
        "sip_dropped_packets",
        "Packets from strangers, malformed or late, dropped since the start.",
        lambda: (
            engine.counts.dropped_unknown_source
            + engine.counts.dropped_malformed
            + engine.counts.dropped_unmatched
        ),
    )


def add_trunk_gauges(metrics: Metrics, engine: NativeEngine) -> None:
    """How each trunk does; `ringbridge doctor` reads them, too."""
    metrics.gauge_of_each(
        "trunk_up",
        "Whether one of the trunk's servers is thought to work.",
        "trunk",
        lambda: {trunk.name: trunk.is_up for trunk in engine.trunks},
    )
    metrics.gauge_of_each(
        "trunk_registered",
        "Whether this server is registered at the trunk, of those where it is to be.",
        "trunk",
        lambda: {
            trunk.name: trunk.is_registered for trunk in engine.trunks if trunk.is_registered is not None
        },
    )
    metrics.gauge_of_each(
        "trunk_registration_status",
        "The final answer to the last REGISTER; 408 for silence, 503 where nobody can be reached.",
        "trunk",
        lambda: {
            trunk.name: trunk.registration_status
            for trunk in engine.trunks
            if trunk.registration_status is not None
        },
    )
    metrics.gauge_of_each(
        "trunk_channels",
        "Legs that are dialled, up, or to be dialled over the trunk.",
        "trunk",
        lambda: {trunk.name: trunk.channels for trunk in engine.trunks},
    )
