"""The request that places a call, in the form of the API document: header and a ready command."""

import json
from base64 import b64encode

EXAMPLE_USER_LINE = "+1 (817) 562-9657"
EXAMPLE_DESTINATION_LINE = "15125292329"


def authorization(account_id: str, key: str) -> str:
    """The value of the Authorization header."""
    return "Basic " + b64encode(f"{account_id}:{key}".encode()).decode()


def curl_command(url: str, header: str, user_line: str, destination_line: str) -> str:
    """A shell command that places the call at the server of `url`."""
    return "\n".join(
        [
            "curl -X POST \\",
            f"  {url}/api/v1/call \\",
            "  -H 'Content-Type: application/json' \\",
            f"  -H 'Authorization: {header}' \\",
            "  -d '{",
            f'    "user_line": {json.dumps(user_line)},',
            f'    "destination_line": {json.dumps(destination_line)}',
            "  }'",
        ]
    )
