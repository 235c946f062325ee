"""How the trunks of a running server do, as it says itself in its metrics."""

import shlex
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from ringbridge.cli.finding import Finding, ok, warn

ANSWER_SECONDS = 2.0

_STATUS_MENDS = {
    401: "ringbridge trunk set {trunk} --username ... --password ...",
    403: "ringbridge trunk set {trunk} --username ... --password ..., or ask the carrier why it refuses these",
    404: "the carrier does not know the user name: ringbridge trunk set {trunk} --username ...",
    407: "ringbridge trunk set {trunk} --username ... --password ...",
    408: "the carrier is silent: check its address, and the firewalls between",
    503: "the carrier cannot be reached, or cannot work: check its address; it is asked again",
}


def trunk_states(server_url: str) -> list[Finding]:
    """One finding for each trunk that the server at that URL knows; none if it does not tell."""
    try:
        with urllib.request.urlopen(f"{server_url}/metrics", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - always http
            text = answer.read().decode()
        gauges = _trunk_gauges(text)
    except (OSError, ValueError):
        return []
    return [_finding(name, gauges) for name in gauges.get("up", {})]


def _trunk_gauges(text: str) -> Mapping[str, Mapping[str, float]]:
    """What is said of trunks: the metric's name without its beginning -> the trunk's name -> value."""
    return {
        family.name.removeprefix("ringbridge_trunk_"): {
            sample.labels["trunk"]: sample.value for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
        if family.name.startswith("ringbridge_trunk_")
    }


def _finding(name: str, gauges: Mapping[str, Mapping[str, float]]) -> Finding:
    subject = f"trunk {name} state"
    channels = f"{gauges['channels'][name]:g} legs"
    if not gauges["up"][name]:
        return warn(
            subject,
            f"down: it failed three times in a row, or cannot be looked up; {channels}",
            "calls go over other trunks, and it is tried every 15 seconds; the log has trunk.down or trunk.unresolvable",
        )
    is_registered = gauges["registered"].get(name)
    if is_registered is None:
        return ok(subject, f"up, {channels}")
    if is_registered:
        return ok(subject, f"up and registered, {channels}")
    status = gauges["registration_status"].get(name)
    if status is None:
        return warn(subject, "not registered yet", "run the doctor again in a few seconds")
    return warn(
        subject,
        f"not registered: the last answer was {status:g}",
        _STATUS_MENDS.get(int(status), "ask the carrier what the answer means").format(
            trunk=shlex.quote(name)
        ),
    )
