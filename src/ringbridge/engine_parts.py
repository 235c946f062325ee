"""Our own SIP and the media relay put together from the settings, and opened."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from ringbridge.config import Settings, unwritable
from ringbridge.engines.native.driver import StreamSettings
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.media import MediaEvent, MediaRelay, MediaRelayError
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.registrations import Registrations
from ringbridge.engines.native.rtpengine import RtpengineRelay
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.engines.native.sockets import ListenError
from ringbridge.engines.native.tls import TlsContexts, UnusableCertificate
from ringbridge.reloading import Reloading
from ringbridge.service.clock import Clock
from ringbridge.starting import StartError, taken, translated
from ringbridge.surroundings import Surroundings

# The setting for the port of each transport, without what stands around it.
_PORT_SETTINGS = {"UDP": "SIP", "TCP": "SIP", "TLS": "SIP_TLS", "WSS": "SIP_WSS"}


async def open_engine(
    settings: Settings,
    surroundings: Surroundings,
    reloading: Reloading,
    registrations: Registrations,
    clock: Clock,
    resources: AsyncExitStack,
) -> NativeEngine:
    """Our own SIP and the media relay, listening; `resources` closes both. Raises StartError."""

    def make_relay(on_event: Callable[[str, MediaEvent], None]) -> MediaRelay:
        if settings.media_relay == "rtpengine":
            return RtpengineRelay(
                host=settings.rtpengine.host,
                port=settings.rtpengine.port,
                is_ipv6=":" in settings.media_host,
                on_event=on_event,
            )
        return RtpioRelay(
            host=settings.media_host,
            first_port=settings.media_ports.first,
            last_port=settings.media_ports.last,
            on_event=on_event,
        )

    try:
        journal = DialogJournal(settings.data_dir / "dialogs.journal")
    except OSError as exc:
        raise StartError(unwritable(settings.data_dir, exc)) from exc
    resources.callback(journal.close)
    streams = _stream_settings(settings)
    reloading.tls, reloading.prompts = streams.tls, PromptLibrary(settings.data_dir / "prompts")
    engine = NativeEngine(
        sip_host=settings.sip_host,
        sip_port=settings.sip_port,
        make_relay=make_relay,
        prompts=reloading.prompts,
        journal=journal,
        registrations=registrations,
        now=clock.now,
        streams=streams,
        trunk_ping_seconds=settings.trunk_ping_seconds,
    )
    surroundings.engine = engine
    try:
        with translated():
            await surroundings.read_trunks()
            return await resources.enter_async_context(engine)
    except ListenError as exc:
        raise StartError(taken(_PORT_SETTINGS[exc.transport], settings.sip_host, exc.port, exc)) from exc
    except (MediaRelayError, UnusableCertificate) as exc:
        raise StartError(str(exc)) from exc


def _stream_settings(settings: Settings) -> StreamSettings:
    """What SIP over connections needs; without a certificate of our own, nobody connects to us but over TCP."""
    certificate = settings.sip_tls_certificate
    tls = TlsContexts(ca=settings.sip_tls_ca, certificate=certificate, key=settings.sip_tls_key)
    return StreamSettings(
        tls=tls,
        tls_port=None if certificate is None else settings.sip_tls_port,
        wss_port=None if certificate is None else settings.sip_wss_port,
        origins=settings.sip_wss_origins,
    )
