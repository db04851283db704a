"""An Airbyte source that waits and then gives rows: ``stream``, ``seconds``, ``rows``.

The standard library only, so that what is measured is who runs it and not itself.
"""

import argparse
import json
import sys
import time
from typing import Any

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "value": {"type": "integer"}},
}
SPEC = {
    "type": "object",
    "required": ["stream", "seconds", "rows"],
    "properties": {
        "stream": {"type": "string"},
        "seconds": {"type": "number"},
        "rows": {"type": "integer"},
    },
}


def messages(verb: str, config: dict[str, Any]) -> list[dict[str, Any]]:
    """What the connector says to a verb, all at once."""
    if verb == "spec":
        return [{"type": "SPEC", "spec": {"connectionSpecification": SPEC}}]
    if verb == "check":
        return [{"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}]
    name = config["stream"]
    if verb == "discover":
        stream = {"name": name, "json_schema": SCHEMA, "supported_sync_modes": ["full_refresh"]}
        return [{"type": "CATALOG", "catalog": {"streams": [stream]}}]
    time.sleep(config["seconds"])
    done = {"stream_descriptor": {"name": name}, "status": "COMPLETE"}
    return [
        *(
            {
                "type": "RECORD",
                "record": {"stream": name, "emitted_at": 0, "data": {"id": i, "value": i}},
            }
            for i in range(config["rows"])
        ),
        {
            "type": "TRACE",
            "trace": {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": done},
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["spec", "check", "discover", "read"])
    for name in ("config", "catalog", "state"):
        parser.add_argument(f"--{name}")
    options = parser.parse_args()
    config = {}
    if options.config:
        with open(options.config, encoding="utf-8") as file:
            config = json.load(file)
    for message in messages(options.verb, config):
        sys.stdout.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
