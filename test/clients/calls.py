"""Calls a service with the client that openapi-python-client made of its description."""

import os

from event_service import AuthenticatedClient
from event_service.api.consume import acknowledge_deliveries, get_group, pull_events
from event_service.api.dead_letters import list_dead_letters
from event_service.api.publish import publish_batch, publish_event
from event_service.api.query import get_event, list_events
from event_service.models import (
    AckResult,
    BatchReceipt,
    DeadLetterPage,
    EventData,
    EventPage,
    GroupDetails,
    Problem,
    PublishReceipt,
    PublishRequest,
    PullRequest,
    PullResult,
    SettleRequest,
    StoredEvent,
)

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["KEY"])


def signal(symbol: str) -> PublishRequest:
    data = EventData.from_dict({"symbol": symbol, "signal": "BUY", "confidence": 0.85})
    return PublishRequest(event_type="trading_signal", source="python", data=data)


receipt = publish_event.sync(client=client, body=signal("BTC/USDT"))
assert isinstance(receipt, PublishReceipt), receipt
batch = publish_batch.sync(client=client, body=[signal("ETH/USDT"), signal("SOL/USDT")])
assert isinstance(batch, BatchReceipt) and batch.count == 2, batch

event = get_event.sync(receipt.message_id, client=client)
assert isinstance(event, StoredEvent) and event.event_id == receipt.event_id, event
page = list_events.sync(client=client, event_type=["trading_signal"], symbol=["ETH/USDT", "SOL/USDT"])
assert isinstance(page, EventPage), page
assert [found.data["symbol"] for found in page.events] == ["ETH/USDT", "SOL/USDT"], page

pulled = pull_events.sync("python", client=client, body=PullRequest(from_="start", max_=10))
assert isinstance(pulled, PullResult) and pulled.count == 3, pulled
settled = [delivery.delivery_id for delivery in pulled.deliveries]
acknowledged = acknowledge_deliveries.sync("python", client=client, body=SettleRequest(delivery_ids=settled))
assert isinstance(acknowledged, AckResult) and acknowledged.acknowledged == 3, acknowledged
group = get_group.sync("python", client=client)
assert isinstance(group, GroupDetails) and group.pending == 0, group

letters = list_dead_letters.sync(client=client, limit=10)
assert isinstance(letters, DeadLetterPage) and letters.dead_letters == [] and letters.total == 0, letters

refusal = publish_event.sync_detailed(client=client, body=PublishRequest(event_type="trading_signl"))
assert refusal.status_code == 400, refusal
assert isinstance(refusal.parsed, Problem) and refusal.parsed.code == "unknown_event_type", refusal
