"""What is seen on the pages of limits, rates and numbers that are not called."""

from ringbridge.store.database import open_database
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.rates import RateTable
from tests.peers.server import Deployment

UTC = 1_760_000_000.0
NUMBERS = {"+12025550143": "Asked us by mail", "+13035550167": None, "+442079460958": "National register"}
RATES = {"+1": 10_000, "+1876": 200_000, "+44": 15_000, "+447": 45_000, "+52": 12_000}


def furnish_limits(deployment: Deployment) -> None:
    """Some of everything, done to the data folder before the server starts."""
    deployment.set_limits("countries=US,CA,GB", "spend_per_day=5000", "per_minute=600")
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    try:
        DoNotCallList(engine, deployment.account_id).add(NUMBERS, at=UTC)
        RateTable(engine).replace(RATES)
    finally:
        engine.dispose()
