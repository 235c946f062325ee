"""Rules for the whole suite."""

import os
import signal
from collections.abc import Generator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: how fast the code is belongs to scripts/bench.
settings.register_profile("ringbridge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ringbridge")

# A shell starts what runs in the background deaf to Ctrl-C, and children inherit that: the commands under test must hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A server's tracebacks are plain. Those that structlog draws by default, with every variable, take the seconds that a
# busy machine does not have: whoever waits for the thread that draws one gives up.
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a skipped test is a failure: nobody reads the reasons there."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {call.excinfo.value if call.excinfo else ''}"
    return report
