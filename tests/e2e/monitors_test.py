"""Monitors of an environment over real HTTP: what fails opens an incident, and what comes back is said in it."""

import http.server
import threading
import unittest

from world import World, eventually


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Monitors(unittest.TestCase):
    def setUp(self):
        self.world = world = World()
        self.addCleanup(world.close)
        self.health = None
        self.port = self.answers(0)
        self.addCleanup(lambda: self.health and self.goes())
        world.hooks()
        world.documents()
        environment = world.tree / "environments/staging.yaml"
        environment.write_text(environment.read_text() + self.monitors("api", "services: [greeter], "))
        world.wish("v1")
        world.push("first")
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs")
        eventually(lambda: self.health.asked, "somebody looks")

    def monitors(self, name, of):
        return (
            f'  monitors: [{{name: {name}, {of}http: {{url: "http://127.0.0.1:{self.port}/health"}}, every: 1s,'
            " failureLimit: 2}]\n"
        )

    def answers(self, port):
        self.health = http.server.ThreadingHTTPServer(("127.0.0.1", port), Health)
        self.health.status, self.health.asked = 200, 0
        threading.Thread(target=self.health.serve_forever, daemon=True).start()
        return self.health.server_port

    def goes(self):
        self.health.shutdown()
        self.health.server_close()
        self.health = None

    def happened(self, event, count):
        eventually(lambda: len(self.world.events(event)) >= count, f"{event}, {count} times")
        self.assertEqual(len(self.world.events(event)), count)
        return self.world.events(event)[-1]["data"]

    def incidents(self):
        return self.world.http("GET", "/v1/incidents").json["incidents"]

    def failing(self):
        environment = self.world.http("GET", "/v1/environments/staging").json
        metric = f'headgate_monitors_failing{{environment="staging"}} {len(environment["failing_monitors"])}'
        self.assertIn(metric, self.world.http("GET", "/metrics").body.decode())
        return environment["failing_monitors"]

    def test_a_failure_opens_an_incident_that_a_person_resolves(self):
        world = self.world
        self.assertEqual(self.failing(), [])
        self.health.status = 503
        failed = self.happened("monitor.failed", 1)
        self.assertEqual((failed["monitor"], failed["failures"]), ("api", 2))
        self.assertIn("status 503", failed["reason"])
        self.assertEqual(self.failing(), ["api"])
        self.assertIn("api", world.cli("get", "environments").stdout)
        opened = self.happened("incident.opened", 1)
        self.assertIn("status 503", opened["reason"])
        self.assertEqual([i["id"] for i in self.incidents()], failed["incidents"])
        self.assertIn("greeter/staging", world.cli("incident", "list").stdout)

        # A failure that goes on is one, also for a server that starts anew.
        looks = self.health.asked
        eventually(lambda: self.health.asked >= looks + 2, "two more looks")
        world.kill()
        world.start()
        looks = self.health.asked
        eventually(lambda: self.health.asked >= looks + 3, "three more looks")
        self.happened("monitor.failed", 1)
        self.health.status = 200
        recovered = self.happened("monitor.recovered", 1)
        self.assertGreaterEqual(recovered["failed_for_ms"], 1000)
        self.assertEqual(self.failing(), [])

        # Nothing goes back by itself, and the incident stays until somebody has looked at it.
        self.assertEqual(world.events("rollback.*") + world.events("release.quarantined"), [])
        self.assertEqual(world.running(), "v1")
        (incident,) = self.incidents()
        self.assertIn("passes again", incident["notes"][-1])
        resolved = world.cli("incident", "resolve", incident["id"], "--review", "a full disk")
        self.assertEqual(resolved.returncode, 0, resolved.stderr)
        self.assertEqual(self.incidents(), [])

        # An endpoint where nobody listens any more is another failure.
        self.goes()
        failed = self.happened("monitor.failed", 2)
        self.assertNotEqual(failed["incidents"], [incident["id"]])
        self.answers(self.port)
        self.happened("monitor.recovered", 2)
        self.happened("incident.opened", 2)

    def test_the_incident_of_a_monitor_of_no_service_is_the_environments(self):
        world = self.world
        environment = world.tree / "environments/staging.yaml"
        lines = environment.read_text().split("  monitors:")[0]
        environment.write_text(lines + self.monitors("front", ""))
        world.push("of everything")
        names = lambda: [m["name"] for m in world.http("GET", "/v1/environments/staging").json["monitors"]]
        eventually(lambda: names() == ["front"], "the monitor is in force")
        self.health.status = 500
        failed = self.happened("monitor.failed", 1)
        self.assertEqual(failed["monitor"], "front")
        self.happened("incident.opened", 1)
        (incident,) = self.incidents()
        self.assertEqual(incident["id"], failed["incidents"][0])
        self.assertEqual(world.events("incident.opened")[0]["environment"], "staging")
        self.health.status = 200
        self.happened("monitor.recovered", 1)
        self.assertEqual(self.failing(), [])


if __name__ == "__main__":
    unittest.main()
