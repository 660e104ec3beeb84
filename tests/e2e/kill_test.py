"""SIGKILL at any moment under concurrent load. The clients hold what was acknowledged; nothing of it may be missing,
changed or there twice after any restart.

HEADGATE_SEED replays a run, HEADGATE_TORTURE=N makes N times as many rounds, of a new seed each time (tests/torture.h).
"""

import concurrent.futures
import http.client
import json
import os
import random
import sys
import threading
import time
import unittest

from world import World, eventually

CLIENTS = 8
ROUNDS = 4 * int(os.environ.get("HEADGATE_TORTURE", "1"))


class Client:
    """One connection that reports gates for as long as the server lives, each under a key of its own."""

    def __init__(self, world, name, seed):
        self.world, self.name, self.chance = world, name, random.Random(seed)
        self.acknowledged = {}  # summary -> position
        self.unanswered = []  # requests whose outcome is not known
        self.count = 0

    def request(self):
        self.count += 1
        summary = f"{self.name}-{self.count}"
        return {
            "service": "greeter",
            "commit": f"{self.chance.randrange(16**40):040x}",
            "gate": "tests",
            "status": "passed",
            "summary": summary,
        }

    def report(self, connection, body):
        headers = {
            "Authorization": f"Bearer {self.world.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": body["summary"],
        }
        connection.request("POST", "/v1/gates", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{answer.status}: {text}")
        position = json.loads(text)["position"]
        known = self.acknowledged.setdefault(body["summary"], position)
        if known != position:
            raise AssertionError(f"{body['summary']} was acknowledged at {known} and at {position}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=30)

    def run(self, stop):
        connection = self.connect()
        while not stop.is_set():
            body = self.request()
            try:
                self.report(connection, body)
            except (OSError, http.client.HTTPException):
                self.unanswered.append(body)
                return  # killed
        connection.close()

    def ask_again(self):
        """What was not answered is asked for once more: it is there once, whether it was before or not."""
        connection = self.connect()
        for body in self.unanswered:
            self.report(connection, body)
        self.unanswered.clear()
        connection.close()


class Kill(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def test_nothing_acknowledged_is_lost(self):
        usual = random.randrange(1 << 30) if "HEADGATE_TORTURE" in os.environ else 20260229
        seed = int(os.environ.get("HEADGATE_SEED", usual))
        print(f"HEADGATE_SEED={seed}", file=sys.stderr)
        chance = random.Random(seed)
        world = self.world
        world.hooks()
        world.documents()
        world.wish("v1")
        world.push("first")
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs in staging")
        clients = [Client(world, f"c{i}", chance.random()) for i in range(CLIENTS)]
        for round_number in range(ROUNDS):
            version = f"v{round_number + 2}"
            world.wish(version)
            world.push(version)
            enough = sum(len(client.acknowledged) for client in clients) + chance.randrange(1, 60)
            stop = threading.Event()
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                running = [pool.submit(client.run, stop) for client in clients]
                # Some acknowledgements first, then at any moment.
                eventually(lambda: sum(len(c.acknowledged) for c in clients) >= enough, "some are answered")
                time.sleep(chance.uniform(0, 0.4))
                world.kill()
                stop.set()
                for one in running:
                    one.result(timeout=60)
            world.start()
            for client in clients:
                self.assert_there(client, chance)
                client.ask_again()
            eventually(lambda: world.current() == version, f"{version} runs after the crash")
        self.assert_all_once(clients)
        self.assert_no_activity_twice()
        self.assertEqual(world.stop(), 0)
        verified = world.cli("log", "verify", "--data", str(world.data))
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def assert_there(self, client, chance):
        """The newest, and a few of the older ones: each at the position that was answered."""
        summaries = list(client.acknowledged)
        for summary in summaries[-5:] + chance.sample(summaries, min(5, len(summaries))):
            answer = self.world.http("GET", f"/v1/events/{client.acknowledged[summary]}")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json["data"]["summary"], summary)

    def assert_all_once(self, clients):
        recorded = {}
        for event in self.all_events("gate.reported"):
            recorded.setdefault(event["data"]["summary"], []).append(int(event["id"]))
        for client in clients:
            for summary, position in client.acknowledged.items():
                self.assertEqual(recorded.pop(summary, None), [position], summary)
        self.assertEqual(recorded, {}, "recorded, but asked for by nobody")

    def assert_no_activity_twice(self):
        done = [event["subject"] for event in self.all_events("activity.succeeded")]
        self.assertTrue(done)
        self.assertEqual(len(done), len(set(done)), "an activity was acknowledged twice")

    def all_events(self, type_glob):
        after = None
        while True:
            path = f"/v1/events?type={type_glob}&limit=500" + (f"&after={after}" if after is not None else "")
            answer = self.world.http("GET", path, headers={"Accept": "application/x-ndjson"})
            self.assertEqual(answer.status, 200, answer.body)
            lines = [json.loads(line) for line in answer.body.decode().splitlines() if line]
            if not lines:
                return
            yield from lines
            after = lines[-1]["id"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
