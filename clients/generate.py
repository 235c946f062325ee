"""Writes what is made from docs/openapi.json: the client in TypeScript, and the Postman collection."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clients import javascript, postman

REPOSITORY = Path(__file__).resolve().parents[1]
DESCRIPTION = REPOSITORY / "docs" / "openapi.json"


def generated(document: Mapping[str, Any]) -> dict[Path, str]:
    """The text of each file."""
    collection = json.dumps(postman.collection(document), ensure_ascii=False, indent=2) + "\n"
    folder = REPOSITORY / "clients" / "typescript"
    files = {folder / name: text for name, text in javascript.files(document).items()}
    return files | {REPOSITORY / "src" / "ringbridge" / "api" / "static" / "postman.json": collection}


if __name__ == "__main__":
    for path, text in generated(json.loads(DESCRIPTION.read_text())).items():
        path.write_text(text)
