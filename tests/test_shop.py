"""The example shop under load, and after a crash: its events, and what is made of them, agree."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, eventually, unique
from test_examples import Up

STEPS = ["created", "approved", "paid", "prepared", "shipped", "delivered"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    up = Up(tmp_path_factory.mktemp("shop") / "data").start(ROOT / "examples/shop")
    yield up
    if up.process.poll() is None:
        up.stop()


class Customer:
    """A customer with a few orders' names."""

    def __init__(self, shop):
        self.shop = shop
        self.name = unique("customer")
        self.orders = [unique("order") for _ in range(6)]

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        body = body and json.dumps(body).encode()
        status, _, answer = self.shop.http(method, path, body, headers, host="shop.localhost")
        assert status < 300, (status, answer)
        return json.loads(answer)

    def order(self, id):
        return self.ask("POST", "/orders", {"id": id, "customer": self.name, "product": "mug", "quantity": 1})

    def has_everything(self):
        views = self.ask("GET", f"/customers/{self.name}/orders")
        return sorted(view["id"] for view in views if view["status"] == "delivered") == sorted(self.orders)

    def items(self, *tables):
        """What the tables have of the customer's orders."""
        dynamodb = self.shop.client("dynamodb")
        items = [item for table in tables for item in dynamodb.scan(TableName=f"shop-{table}")["Items"]]
        return [item for item in items if item["id"]["S"] in self.orders]


@pytest.fixture
def customer(shop):
    return Customer(shop)


def test_a_crash_loses_nothing_and_does_nothing_twice(shop, customer):
    with ThreadPoolExecutor(4) as pool:
        # Everything is ordered twice, at the same time.
        answers = list(pool.map(customer.order, sorted(customer.orders * 2)))
    assert {answer["version"] for answer in answers} == {1}
    shop.kill()
    shop.start(ROOT / "examples/shop")
    eventually(customer.has_everything, timeout=60)
    for id in customer.orders:
        events = customer.ask("GET", f"/orders/{id}/events")
        assert [event["version"] for event in events] == [1, 2, 3, 4, 5, 6]
        assert customer.ask("GET", f"/orders/{id}")["history"] == STEPS
        for event in events:
            for at in (event["version"], event["time"]):
                assert customer.ask("GET", f"/orders/{id}?at={at}")["history"] == STEPS[: event["version"]]
    assert len(customer.items("order-snapshots")) == len(customer.items("payments")) == len(customer.orders)


def test_views_are_the_same_when_they_are_made_again(shop, customer):
    for id in customer.orders:
        customer.order(id)
    eventually(customer.has_everything, timeout=60)
    views = lambda: {view["id"]["S"]: view for view in customer.items("order-progress")}
    kept = views()
    lost, wrong, *_ = customer.orders
    customer.orders.append("never-was")
    dynamodb = shop.client("dynamodb")
    dynamodb.delete_item(TableName="shop-order-progress", Key={"id": {"S": lost}})
    dynamodb.put_item(TableName="shop-order-progress", Item={**kept[wrong], "status": {"S": "wrong"}})
    dynamodb.put_item(TableName="shop-order-progress", Item={**kept[wrong], "id": {"S": "never-was"}})
    shop.cli("invoke", "Rebuild")
    assert views() == kept


def test_orders_that_are_removed_on_their_way_stay_away(customer):
    for id in customer.orders:
        customer.order(id)
    for _ in range(2):
        customer.ask("DELETE", f"/customers/{customer.name}")
    eventually(lambda: not customer.items("order-events", "order-snapshots", "order-progress"), timeout=60)
    # A new order with an old name begins anew.
    assert customer.order(customer.orders[0])["version"] == 1
    assert customer.ask("GET", f"/orders/{customer.orders[0]}?until=delivered")["history"] == STEPS
