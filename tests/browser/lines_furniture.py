"""What is to be seen on the pages about lines and trunks: a desk phone that is registered, one that is not, a trunk that is away."""

import time

from sqlalchemy import insert

from ringbridge.call.directory import Line, LineKind, Trunk
from ringbridge.store.administration import Administration
from ringbridge.store.database import open_database, writing
from ringbridge.store.tables import registrations
from tests.peers.server import Deployment

LINE_ID, TRUNK_ID = "desk-of-ada", "carrier-in-europe"


def furnish_lines(deployment: Deployment) -> None:
    """Add them to the data folder."""
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    try:
        administration = Administration(engine)
        for number, line_id, name in (
            ("201", LINE_ID, "Ada Lovelace"),
            ("202", "desk-of-grace", "Grace Hopper"),
        ):
            line = Line(
                id=line_id,
                account_id=deployment.account_id,
                number=number,
                name=name,
                kind=LineKind.DEVICE,
                sip_username=f"{deployment.account_id}-{number}",
                auto_answer=number == "201",
            )
            administration.add_line(line, device_digests={"MD5": "0" * 32})
        trunk = Trunk(
            id=TRUNK_ID,
            name="Europe",
            uri="sip:127.0.0.1:9;transport=tcp",
            username="acme",
            password="secret",
            prefixes=("+44", "+33"),
            channels=30,
        )
        administration.add_trunk(trunk)
        with writing(engine) as connection:
            row = {
                "line_id": LINE_ID,
                "position": 0,
                "uri": "sip:201@192.0.2.44",
                "transport": "UDP",
                "host": "192.0.2.44",
                "port": 5060,
                "path": "",
                "user_agent": "Acme Phone 1.2",
                "call_id": "desk",
                "sequence": 1,
                "expires_at": time.time() + 3600.0,
            }
            connection.execute(insert(registrations), row)
    finally:
        engine.dispose()
