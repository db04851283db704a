"""A real program that speaks the Airbyte protocol and does what its configuration says.

``actions`` in the configuration is a list of one-key mappings, done in order by ``read``:

    rows: [stream, first, last]    records id=first..last, those up to the state's id left out;
                                   with `state_every: n` a STATE after each n rows
    state: [stream, id]            a STATE of that stream
    status: [stream, STATUS]       a stream status
    message: {...}                 any message
    print: text                    a raw line;  write: text  without a line end
    stderr: text
    exit: code
    hang: true                     wait for ever
    ignore_term: true
    grandchild: file               start a child that ignores TERM, in its own session; its pid
                                   goes into the file
    wait_for: file                 wait until that file is there
    rotate: key                    a CONTROL with one more "x" behind that key's value
    logs: count                    so many LOG messages;  stderrs: count  lines of stderr
    big: [stream, id, bytes]       a record with a text of that size
    close_stdout: true
    kill: true                     kill -9 ourselves
"""

import json
import os
import signal
import subprocess
import sys
import time

SPEC = {
    "type": "object",
    "required": ["actions"],
    "properties": {
        "actions": {"type": "array"},
        "start": {"type": "string", "pattern": "^[0-9]{4}$"},
        "pin": {"type": "string", "airbyte_secret": True},
        "auth": {
            "type": "object",
            "oneOf": [
                {
                    "required": ["kind", "code"],
                    "properties": {
                        "kind": {"const": "code"},
                        "code": {"type": "string", "airbyte_secret": True},
                    },
                },
                {"required": ["kind"], "properties": {"kind": {"const": "none"}}},
            ],
        },
    },
}

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["null", "string"]},
        "updated_at": {
            "type": "string",
            "format": "date-time",
            "airbyte_type": "timestamp_with_timezone",
        },
    },
}


def say(message: dict) -> None:
    sys.stdout.write(json.dumps(message) + "\n")


def stream_state(stream: str, last: int) -> None:
    state = {"stream_descriptor": {"name": stream}, "stream_state": {"id": last}}
    say({"type": "STATE", "state": {"type": "STREAM", "stream": state}})


def rows(stream: str, first: int, last: int, every: int | None, version: int) -> None:
    for number in range(first, last + 1):
        data = {
            "id": number,
            "name": f"{stream} {number} v{version}",
            "updated_at": f"2026-01-01T00:00:{number % 60:02d}Z",
        }
        record = {"stream": stream, "data": data, "emitted_at": 1_700_000_000_000 + number}
        say({"type": "RECORD", "record": record})
        if every and (number - first + 1) % every == 0:
            stream_state(stream, number)


def stream_states(given: list[dict]) -> dict[str, int]:
    return {
        item["stream"]["stream_descriptor"]["name"]: item["stream"]["stream_state"]["id"]
        for item in given
        if item["type"] == "STREAM"
    }


def grandchild(path: str) -> None:
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    with open(path, "w") as file:
        file.write(f"{child.pid} {os.getpid()}")


def read(config: dict, states: dict[str, int]) -> None:
    for action in config.get("actions", []):
        sys.stdout.flush()
        if "rows" in action:
            stream, first, last = action["rows"]
            first = max(first, states.get(stream, 0) + 1)
            rows(stream, first, last, action.get("state_every"), config.get("version", 1))
        elif "state" in action:
            stream_state(*action["state"])
        elif "status" in action:
            name, status = action["status"]
            body = {"stream_descriptor": {"name": name}, "status": status}
            trace = {"type": "STREAM_STATUS", "emitted_at": 0, "stream_status": body}
            say({"type": "TRACE", "trace": trace})
        elif "message" in action:
            say(action["message"])
        elif "print" in action:
            print(action["print"], flush=True)
        elif "write" in action:
            sys.stdout.write(action["write"])
        elif "stderr" in action:
            print(action["stderr"], file=sys.stderr, flush=True)
        elif "exit" in action:
            sys.stdout.flush()
            os._exit(action["exit"])
        elif "ignore_term" in action:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif "grandchild" in action:
            grandchild(action["grandchild"])
        elif "rotate" in action:
            key = action["rotate"]
            changed = {**config, key: config[key] + "x"}
            control = {"type": "CONNECTOR_CONFIG", "connectorConfig": {"config": changed}}
            say({"type": "CONTROL", "control": {**control, "emitted_at": 0}})
        elif "logs" in action:
            line = json.dumps({"type": "LOG", "log": {"level": "INFO", "message": "still here"}})
            for _ in range(action["logs"]):
                sys.stdout.write(line + "\n")
        elif "stderrs" in action:
            for number in range(action["stderrs"]):
                sys.stderr.write(f"line {number}\n")
            sys.stderr.flush()
        elif "big" in action:
            stream, number, size = action["big"]
            data = {"id": number, "name": "x" * size}
            say({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}})
        elif "close_stdout" in action:
            os.close(1)
        elif "kill" in action:
            os.kill(os.getpid(), signal.SIGKILL)
        elif "wait_for" in action:
            while not os.path.exists(action["wait_for"]):
                time.sleep(0.01)
        elif "hang" in action:
            while True:
                time.sleep(60)


def main(verb: str, arguments: list[str]) -> None:
    files = dict(zip(arguments[::2], arguments[1::2], strict=True))
    loaded = {}
    for name, path in files.items():
        with open(path) as file:
            loaded[name] = json.load(file)
    if verb == "spec":
        say({"type": "SPEC", "spec": {"connectionSpecification": SPEC}})
        return
    config = loaded["--config"]
    if config.get("seen"):
        with open(config["seen"], "w") as file:
            paths = {path: oct(os.stat(path).st_mode & 0o777) for path in files.values()}
            json.dump({"files": loaded, "modes": paths}, file)
    if verb == "check":
        ok = not config.get("refuse")
        status = {"status": "SUCCEEDED" if ok else "FAILED", "message": config.get("refuse")}
        say({"type": "CONNECTION_STATUS", "connectionStatus": status})
    elif verb == "discover":
        schemas = config.get("schemas")
        if config.get("schemas_file"):  # another one each time, if the test likes
            with open(config["schemas_file"]) as file:
                schemas = json.load(file)
        schemas = schemas or dict.fromkeys(("users", "orders"), SCHEMA)
        streams = [
            {
                "name": name,
                "json_schema": schema,
                "supported_sync_modes": ["full_refresh", "incremental"],
            }
            for name, schema in schemas.items()
        ]
        say({"type": "CATALOG", "catalog": {"streams": streams}})
    elif verb == "read":
        given = loaded.get("--state", [])
        # A LEGACY state is what the source wrote, in no list.
        states = given if isinstance(given, dict) else stream_states(given)
        read(config, states)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
