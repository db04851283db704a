"""A source that reads files: the connector of the fault tests' shop.

``<folder>/<stream>.jsonl`` holds the stream's rows in the order of their ``seq``. What the STATE
has seen is left out; a STATE follows each ``state_every`` rows, and the last one.

With ``hang: {ignore_term, children, file}`` in the configuration it starts so many children,
which ignore TERM and are in sessions of their own, writes that file, and never says a word.
"""

import json
import os
import signal
import subprocess
import sys
import time

TYPES = {int: "integer", str: "string", float: "number", bool: "boolean"}


def say(message: dict) -> None:
    sys.stdout.write(json.dumps(message) + "\n")


def rows(folder: str, stream: str) -> list[dict]:
    with open(os.path.join(folder, f"{stream}.jsonl")) as file:
        return [json.loads(line) for line in file]


def discover(folder: str) -> list[dict]:
    streams = []
    for name in sorted(os.listdir(folder)):
        stream, ending = os.path.splitext(name)
        if ending != ".jsonl":
            continue
        first = next(iter(rows(folder, stream)), {})
        fields = {
            key: {
                "type": "string",
                "format": "date-time",
                "airbyte_type": "timestamp_with_timezone",
            }
            if key.endswith("_at")
            else {"type": ["null", TYPES[type(value)]]}
            for key, value in first.items()
        }
        streams.append(
            {
                "name": stream,
                "json_schema": {"type": "object", "properties": fields},
                "supported_sync_modes": ["full_refresh", "incremental"],
            }
        )
    return streams


def status(stream: str, word: str) -> None:
    body = {"stream_descriptor": {"name": stream}, "status": word}
    trace = {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": body}
    say({"type": "TRACE", "trace": trace})


def send_state(stream: str, seq: int) -> None:
    state = {"stream_descriptor": {"name": stream}, "stream_state": {"seq": seq}}
    say({"type": "STATE", "state": {"type": "STREAM", "stream": state}})


def send(config: dict, stream: str, seen: int) -> None:
    new = [row for row in rows(config["folder"], stream) if row["seq"] > seen]
    for number, row in enumerate(new, start=1):
        record = {"stream": stream, "data": row, "emitted_at": 1_700_000_000_000 + row["seq"]}
        say({"type": "RECORD", "record": record})
        if number % config.get("state_every", 20) == 0 or number == len(new):
            send_state(stream, row["seq"])
    status(stream, "COMPLETE")


def hang(wanted: dict) -> None:
    if wanted.get("ignore_term"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    for _ in range(wanted.get("children", 0)):
        subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    with open(wanted["file"], "w") as file:
        file.write(str(os.getpid()))
    while True:
        time.sleep(60)


def main(verb: str, arguments: list[str]) -> None:
    files = dict(zip(arguments[::2], arguments[1::2], strict=True))
    loaded = {}
    for name, path in files.items():
        with open(path) as file:
            loaded[name] = json.load(file)
    if verb == "spec":
        say({"type": "SPEC", "spec": {"connectionSpecification": {"type": "object"}}})
        return
    config = loaded["--config"]
    if verb == "check":
        say({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}})
    elif verb == "discover":
        say({"type": "CATALOG", "catalog": {"streams": discover(config["folder"])}})
    elif verb == "read":
        if config.get("hang"):
            hang(config["hang"])
        seen = {
            item["stream"]["stream_descriptor"]["name"]: item["stream"]["stream_state"]["seq"]
            for item in loaded.get("--state", [])
            if item["type"] == "STREAM"
        }
        for item in loaded["--catalog"]["streams"]:
            name = item["stream"]["name"]
            send(config, name, seen.get(name, 0) if item["sync_mode"] == "incremental" else 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
