"""Whatever the published description of the API allows, and much that it does not, sent to a real server.

The phones and the trunk are ports where nobody listens. No answer is a 5xx, and none is of a status, a type or a form
that docs/openapi.json does not name.
"""

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.peers.server import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 15
ANSWER_SECONDS = 30.0

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# An answer that goes on until a call is over is read by the tests of those who follow calls.
api = schemathesis.openapi.from_path(DOCUMENT).exclude(path_regex="/events$")


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case: schemathesis.Case[Any], server: Server) -> None:
    case.call_and_validate(
        base_url=server.url,
        headers={"Authorization": server.deployment.authorization},
        checks=CHECKS,
        timeout=ANSWER_SECONDS,
    )
