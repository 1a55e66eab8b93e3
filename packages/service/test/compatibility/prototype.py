"""The calls of the platform's Python services: over HTTP as aiohttp and urllib send them, and on the Redis stream.

Usage: prototype.py publish <url> | query <url> | write <redis port> <stream> | read <redis port> <stream>
"""
import json
import re
import socket
import sys
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from pathlib import Path

SHAPES = json.loads(Path(__file__).with_name("shapes.json").read_text())

# The types that these services know. They raise on any other.
EVENT_TYPES = {
    "market_data_update", "trading_signal", "order_executed", "portfolio_update", "risk_alert", "ml_model_update",
    "rl_model_update", "rl_action_taken", "feature_vector_update", "alternative_data_update", "sentiment_data_update",
    "onchain_data_update", "economic_data_update", "backtest_request", "backtest_complete",
    "multi_symbol_backtest_request", "strategy_optimization_request", "system_health", "market_regime_change",
}
AIOHTTP = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Python/3.11 aiohttp/3.9.1"}


def event_of(shape):
    """Event.to_dict(): the timestamp is utcnow().isoformat(), which has no offset."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return {
        "event_type": shape["event_type"], "event_id": str(uuid.uuid4()), "timestamp": now.isoformat(),
        "source": "prototype", "data": shape["data"], "metadata": {},
    }


def read_event(wire):
    """Event.from_dict(), on a Python before 3.11: it raises on a type or a timestamp that it does not know."""
    if wire["event_type"] not in EVENT_TYPES:
        raise ValueError(f"{wire['event_type']!r} is not a valid EventType")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(\+00:00)?", wire["timestamp"]):
        raise ValueError(f"Invalid isoformat string: {wire['timestamp']!r}")
    datetime.fromisoformat(wire["timestamp"])
    return {key: wire[key] for key in ("event_type", "event_id", "source", "data", "metadata")}


# Over HTTP.

def call(method, url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers={**AIOHTTP, **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def post_json(url, body):
    """aiohttp's json=: json.dumps with its defaults, which write NaN and escape what is not ASCII."""
    status, text = call("POST", url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return status, json.loads(text)


def publish_shape(url, shape):
    through, data = shape.get("through"), shape["data"]
    if through == "market-data":
        market_data = {key: value for key, value in data.items() if key != "symbol"}
        return post_json(f"{url}/events/market-data",
                         {"symbol": data["symbol"], "market_data": market_data, "source": "prototype"})
    if through == "trading-signal":
        return post_json(f"{url}/events/trading-signal", {"signal": data, "source": "prototype"})
    if through == "portfolio-update":
        return post_json(f"{url}/events/portfolio-update", {"updates": data, "source": "prototype"})
    return post_json(f"{url}/events", event_of(shape))


def publish(url):
    accepted, refused = {}, {}
    for shape in SHAPES["accepted"]:
        status, answer = publish_shape(url, shape)
        assert status == 200, (shape["name"], status, answer)
        assert answer["status"] == "published", answer
        accepted[shape["name"]] = answer["event_id"]
    for shape in SHAPES["refused"]:
        status, answer = post_json(f"{url}/events", event_of(shape))
        refused[shape["name"]] = [status, answer.get("code"), answer.get("pointer")]
    status, answer = post_json(f"{url}/events", event_of({
        "event_type": "system_health", "data": {"load": float("nan")}}))
    refused["NaN"] = [status, answer.get("code"), answer.get("pointer")]
    return {"accepted": accepted, "refused": refused}


def query(url):
    status, text = call("GET", f"{url}/events?limit=1000")
    assert status == 200, text
    events = json.loads(text)
    assert events["count"] == len(events["events"])
    by_type = {}
    for event_type in sorted(EVENT_TYPES):
        status, text = call("GET", f"{url}/events?event_type={event_type}&limit=1000")
        assert status == 200, text
        by_type[event_type] = json.loads(text)["count"]
    empty_types = [{"Content-Type": "application/octet-stream"}, {}, {"Content-Type": "application/json"}]
    replays = [call("POST", f"{url}/events/replay?event_type=backtest_complete", b"", headers)
               for headers in empty_types]
    replays.append(call("POST", f"{url}/events/replay?event_type=backtest_complete"))
    for status, text in replays:
        assert status == 200, text
    for path in ("/events/types", "/events/stats", "/health", "/metrics"):
        status, text = call("GET", f"{url}{path}")
        assert status == 200, (path, text)
    return {
        "events": [read_event(event) for event in events["events"]],
        "by_type": by_type,
        "replayed": [json.loads(text) for _, text in replays],
    }


# On the stream, by the Redis protocol.

class Redis:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=10)
        self.file = self.socket.makefile("rb")

    def __call__(self, *words):
        parts = [str(word).encode() for word in words]
        lines = [b"*%d\r\n" % len(parts)] + [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
        self.socket.sendall(b"".join(lines))
        return self.answer()

    def answer(self):
        line = self.file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if int(rest) == -1:
            return None
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        return self.file.read(int(rest) + 2)[:-2].decode()


def write(port, stream):
    redis, written = Redis(port), {}
    for shape in SHAPES["accepted"] + SHAPES["refused"]:
        event = event_of(shape)
        redis("XADD", stream, "*", "event", json.dumps(event))
        written[shape["name"]] = event["event_id"]
    redis("XADD", stream, "*", "event", json.dumps(event_of({
        "event_type": "system_health", "data": {"load": float("nan")}})))
    return written


def read(port, stream):
    redis, events = Redis(port), []
    redis("XGROUP", "CREATE", stream, "prototype", "0")
    while True:
        found = redis("XREADGROUP", "GROUP", "prototype", "consumer_1", "COUNT", 10, "STREAMS", stream, ">")
        if found is None:
            return events
        for message_id, fields in found[0][1]:
            assert fields[0] == "event" and len(fields) == 2, fields
            events.append(read_event(json.loads(fields[1])))
            redis("XACK", stream, "prototype", message_id)


COMMANDS = {"publish": publish, "query": query, "write": write, "read": read}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
