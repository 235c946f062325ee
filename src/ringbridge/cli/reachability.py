"""Whether trunks and phones answer, as the doctor says it; how they are asked is in `engines.native.probing`."""

import asyncio
import ipaddress
from collections.abc import Mapping

from ringbridge.call.trunk_state import Probe, ProbeOutcome
from ringbridge.cli.finding import Finding, Level, fail, ok, warn
from ringbridge.cli.target import resolver_from
from ringbridge.engines.native.probing import ANSWER_SECONDS, CONNECT_SECONDS, Prober
from ringbridge.engines.native.resolver import Unresolvable, host_of
from ringbridge.engines.native.tls import TlsContexts, TlsPeer
from ringbridge.sip.hop import Hop

MOST_PROBED = 200
"""Of thousands of phones the first are enough to see whether the network lets SIP through."""


async def probe(
    uris: Mapping[str, str], sip_host: str, tls: TlsContexts, peers: Mapping[str, TlsPeer]
) -> list[Finding]:
    """What is to be said of each of `uris`, by what to call it, when the server sends SIP from `sip_host`.

    tls: the contexts of the server's connections. peers: what trunks have files for, by host.
    Takes few seconds at most, and names to look up besides.
    """
    findings: list[Finding] = []
    hops: dict[str, Hop] = {}
    resolver = resolver_from(sip_host)
    prober = Prober(resolver, tls, lambda name: peers.get(name) or TlsPeer(name=name))
    for subject, uri in list(uris.items())[:MOST_PROBED]:
        try:
            hops[subject] = (await resolver.resolve(uri))[0]
        except Unresolvable as error:
            findings.append(_unresolvable(subject, str(error)))
    findings += _out_of_reach(hops, sip_host)
    probes = await asyncio.gather(*(prober.probe_hop(uris[subject], hop) for subject, hop in hops.items()))
    findings += [_finding(subject, uris[subject], found) for subject, found in zip(hops, probes, strict=True)]
    if len(uris) > MOST_PROBED:
        findings.append(ok("phones", f"{len(uris) - MOST_PROBED} more were not asked"))
    return findings


def _finding(subject: str, uri: str, probe: Probe) -> Finding:
    return _over_udp(subject, uri, probe) if probe.transport == "UDP" else _connected(subject, uri, probe)


def _over_udp(subject: str, uri: str, probe: Probe) -> Finding:
    mend = "check address, power, and the firewalls between"
    match probe.outcome:
        case ProbeOutcome.SILENT:
            found = f"no answer to OPTIONS from {uri} within {ANSWER_SECONDS:g} s"
            return warn(subject, found, f"some never answer it; if calls do not get there: {mend}")
        case ProbeOutcome.REFUSED:
            found = f"{probe.host} refuses: nobody listens at its UDP port {probe.port}"
            return warn(subject, found, "correct the port, or start what should listen there")
        case ProbeOutcome.UNREACHABLE:
            return warn(subject, f"{probe.host} cannot be sent to: {probe.detail}", mend)
        case _:
            return ok(subject, f"answers OPTIONS with {probe.status}")


def _connected(subject: str, uri: str, probe: Probe) -> Finding:
    place, name = f"{probe.host} port {probe.port}", host_of(uri)
    match probe.outcome:
        case ProbeOutcome.NOT_TRUSTED:
            return _not_trusted(subject, f"no TLS with {name} at {place}: {probe.detail}")
        case ProbeOutcome.SILENT:
            found = f"{place} took no connection within {CONNECT_SECONDS:g} s"
            return warn(subject, found, "check address, power, and the firewalls between")
        case ProbeOutcome.REFUSED | ProbeOutcome.UNREACHABLE:
            found = f"{place} takes no connection for {probe.transport}: {probe.detail}"
            return warn(subject, found, "correct address and port, or start what should listen there")
        case _ if probe.transport == "TLS":
            return ok(subject, f"{place} takes connections for TLS, and its certificate is good for {name}")
        case _:
            return ok(subject, f"{place} takes connections for {probe.transport}")


def _not_trusted(subject: str, found: str) -> Finding:
    return Finding(
        level=_level(subject),
        subject=subject,
        found=found,
        mend='docs/configuration.md, "SIP over TCP and TLS", says whose certificates are taken; a trunk has --tls-... of its own',
    )


def _level(subject: str) -> Level:
    return Level.FAIL if subject.startswith("trunk") else Level.WARN


def _unresolvable(subject: str, found: str) -> Finding:
    return Finding(
        level=_level(subject),
        subject=subject,
        found=found,
        mend=f"correct its address (ringbridge {subject.partition(' ')[0]} set), or RINGBRIDGE_SIP_HOST",
    )


def _out_of_reach(hops: Mapping[str, Hop], sip_host: str) -> list[Finding]:
    """A fault if the server sends from loopback and has peers elsewhere: the kernel lets nothing through."""
    elsewhere = [subject for subject, hop in hops.items() if not ipaddress.ip_address(hop.host).is_loopback]
    if not elsewhere or not ipaddress.ip_address(sip_host).is_loopback:
        return []
    more = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
    return [
        fail(
            "SIP host",
            f"{sip_host} reaches this machine only, and elsewhere is: {elsewhere[0]}{more}",
            "set RINGBRIDGE_SIP_HOST to the address of this machine that others reach",
        )
    ]
