"""Traffic through a real HAProxy: a small backend for each slot, and weights that are told by who answers."""

import collections
import http.server
import socket
import subprocess
import textwrap
import threading
import unittest
import urllib.error
import urllib.request

from world import World, eventually, free_port

HAPROXY = "/usr/sbin/haproxy"
DEPLOY = """\
#!/bin/sh
set -eu
echo "$HEADGATE_RELEASE_VERSION" > "$1/$HEADGATE_SLOT"
echo "{\\"slot\\":\\"$HEADGATE_SLOT\\"}"
"""
# What comes through the proxy: 502 is a slot where nothing runs.
OBSERVE = """\
#!/bin/sh
set -eu
status=$(curl --silent --output "$1/seen" --write-out '%{http_code}' "$2") || exit 75
if [ "$status" = 502 ]; then echo '{"version":null}'; else printf '{"version":"%s"}\\n' "$(cat "$1/seen")"; fi
"""
RETIRE = """\
#!/bin/sh
set -eu
rm -f "$1/$HEADGATE_SLOT"
echo '{}'
"""
CANARY = """\
canary:
  steps:
    - setWeight: 20
    - pause: {}
    - setWeight: 100
"""
BLUE_GREEN = "blueGreen: {keepOld: 1s}\n"


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def slot_of(file):
    """Answers with the version that is deployed in the slot; a bad one fails, and where nothing is, nobody answers."""

    class Slot(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            version = file.read_text().strip() if file.exists() else None
            if version is None:
                self.close_connection = True
                return
            self.send_response(500 if "bad" in version else 200)
            self.send_header("Content-Length", str(len(version)))
            self.end_headers()
            self.wfile.write(version.encode())

        def log_message(self, *arguments):
            pass

    return serve(Slot)


class Haproxy(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.socket = self.world.root / "haproxy.sock"
        self.front = free_port()
        self.slots = {}
        for name in ("blue", "green"):
            self.slots[name] = slot_of(self.world.place / name)
            self.addCleanup(self.slots[name].server_close)
            self.addCleanup(self.slots[name].shutdown)
        self.process = None
        self.addCleanup(lambda: self.process and self.proxy_dies())
        self.proxy_starts({"blue": 100, "green": 0})

    def proxy_starts(self, weights, backend="greeter"):
        servers = "".join(
            f"  server {name} 127.0.0.1:{slot.server_port} weight {weights[name]}\n"
            for name, slot in self.slots.items()
        )
        file = self.world.root / "haproxy.cfg"
        file.write_text(
            textwrap.dedent(
                f"""\
                global
                  stats socket {self.socket} mode 600 level admin
                defaults
                  mode http
                  timeout connect 5s
                  timeout client 5s
                  timeout server 5s
                frontend front
                  bind 127.0.0.1:{self.front}
                  default_backend {backend}
                backend {backend}
                  balance roundrobin
                """
            )
            + servers
        )
        with (self.world.root / "haproxy.log").open("ab") as log:
            self.process = subprocess.Popen([HAPROXY, "-db", "-f", str(file)], stdout=log, stderr=log)
        eventually(self.ask, "HAProxy answers")

    def proxy_dies(self):
        self.process.kill()
        self.process.wait(timeout=60)
        self.process = None

    def ask(self):
        """The version that answers through the proxy, or the status where none does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.front}/", timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def shares(self, requests=100):
        """How many of so many requests each version answers, to tens: an observation may come between."""
        answers = collections.Counter(self.ask() for _ in range(requests))
        return {version: round(count, -1) for version, count in answers.items()}

    def weights(self):
        """Of blue and green, as HAProxy itself says."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(b"show servers state greeter\n")
            text = b"".join(iter(lambda: s.recv(4096), b"")).decode()
        rows = [line.split() for line in text.splitlines()[2:] if line]
        names = text.splitlines()[1].lstrip("# ").split()
        shown = {row[names.index("srv_name")]: int(row[names.index("srv_uweight")]) for row in rows}
        return shown["blue"], shown["green"]

    def documents(self, strategy):
        place = self.world.place
        for name, text in {"deploy": DEPLOY, "observe": OBSERVE, "retire": RETIRE}.items():
            self.world.write(f"hooks/{name}.sh", text, executable=True)
        self.world.write(
            "services/greeter.yaml",
            textwrap.dedent(
                f"""\
                apiVersion: headgate.dev/v1
                kind: Service
                metadata: {{name: greeter}}
                spec:
                  stages:
                    - environment: staging
                      verify:
                        - {{name: front, http: {{url: "http://127.0.0.1:{self.front}/"}}, attempts: 1}}
                      strategy:
                """
            )
            + textwrap.indent(strategy, " " * 8),
        )
        self.world.write(
            "environments/staging.yaml",
            textwrap.dedent(
                f"""\
                apiVersion: headgate.dev/v1
                kind: Environment
                metadata: {{name: staging}}
                spec:
                  driver:
                    command:
                      deploy: [hooks/deploy.sh, "{place}"]
                      observe: [hooks/observe.sh, "{place}", "http://127.0.0.1:{self.front}/"]
                      retire: [hooks/retire.sh, "{place}"]
                  traffic:
                    haproxy: {{socket: {self.socket}, backend: "${{service}}", servers: {{blue: blue, green: green}}}}
                """
            ),
        )

    def wish(self, version):
        self.world.wish(version)
        self.world.push(version)

    def runs(self, version):
        eventually(lambda: self.world.current() == version, f"{version} runs")

    def waits(self, promotion):
        eventually(lambda: "waits for a person" in self.world.cli("explain", promotion).stdout, f"{promotion} waits")

    def resume(self, promotion):
        done = self.world.cli("resume", promotion, "--reason", "looks fine")
        self.assertEqual(done.returncode, 0, done.stderr)

    def v1_runs_by_canary(self):
        self.documents(CANARY)
        self.wish("v1")
        self.world.start()
        self.waits("greeter/staging/1")
        self.resume("greeter/staging/1")
        self.runs("v1")

    def steps(self, promotion):
        """Those that began, in their order."""
        return [e["subject"].split("/")[3] for e in self.world.events("step.started") if e["correlation"] == promotion]

    def evidence(self, step):
        return next(e["data"]["evidence"] for e in self.world.events("activity.succeeded") if e["subject"] == step)

    def test_a_canary_gets_its_share_of_the_requests_and_a_bad_one_loses_it_first(self):
        self.v1_runs_by_canary()
        self.assertEqual(self.shares(), {"v1": 100})

        self.wish("v2")
        self.waits("greeter/staging/2")
        self.assertEqual(self.weights(), (80, 20))
        self.assertEqual(self.shares(), {"v1": 80, "v2": 20})
        self.resume("greeter/staging/2")
        self.runs("v2")
        self.assertEqual(self.weights(), (0, 100))
        self.assertEqual(self.shares(), {"v2": 100})
        self.assertEqual(
            self.evidence("greeter/staging/2/shift-20"),
            {
                "before": {"green": 0, "blue": 100},
                "asked": {"green": 20, "blue": 80},
                "read": {"green": 20, "blue": 80},
            },
        )

        self.wish("v3-bad")
        self.waits("greeter/staging/3")
        self.assertEqual(self.shares(), {"v2": 80, 500: 20})
        self.resume("greeter/staging/3")
        eventually(lambda: self.world.events("rollback.succeeded"), "the rollback is done")
        self.assertEqual(self.weights(), (0, 100))
        self.assertEqual(self.shares(), {"v2": 100})
        steps = self.steps("greeter/staging/3")
        self.assertEqual(steps[-4:], ["front", "rollback-shift", "rollback-front", "rollback-retire"])
        self.assertEqual(self.evidence("greeter/staging/3/rollback-shift")["read"], {"green": 100, "blue": 0})
        self.assertEqual(self.world.current(), "v2")
        self.assertEqual([e["subject"] for e in self.world.events("release.quarantined")], ["greeter/v3-bad"])

    def test_what_is_not_there_is_named_and_what_comes_back_goes_on(self):
        self.documents(BLUE_GREEN)
        self.wish("v1")
        self.world.start()
        self.runs("v1")

        self.proxy_dies()
        self.wish("v2")
        away = lambda: [e["data"] for e in self.world.events("activity.failed")]
        first = eventually(away, "HAProxy is missed")[0]
        self.assertIn(f"HAProxy at {self.socket}: cannot be reached: ", first["reason"])
        self.proxy_starts({"blue": 100, "green": 0})
        self.runs("v2")
        self.assertEqual(self.shares(), {"v2": 100})
        self.assertEqual(self.weights(), (0, 100))
        self.assertEqual(self.world.events("rollback.started"), [])

        # A name that HAProxy does not know is an end at once: nothing has changed, and it is said what is wrong.
        environment = self.world.tree / "environments/staging.yaml"
        environment.write_text(environment.read_text().replace("blue: blue", "blue: bleu"))
        self.wish("v3")
        eventually(lambda: self.world.events("promotion.failed"), "the promotion fails")
        self.assertIn("weight of greeter/bleu: No such", self.world.cli("explain", "greeter/staging/3").stdout)
        self.assertEqual(self.shares(), {"v2": 100})
        self.assertEqual(self.world.events("release.quarantined"), [])

    def test_no_request_is_lost_when_blue_and_green_change_places(self):
        self.documents(BLUE_GREEN)
        self.wish("v1")
        self.world.start()
        self.runs("v1")
        answers, enough = [], threading.Event()

        def asks():
            while not enough.is_set():
                answers.append(self.ask())

        client = threading.Thread(target=asks)
        client.start()
        try:
            for version in ("v2", "v3"):
                self.wish(version)
                self.runs(version)
                eventually(lambda: answers[-1] == version, f"{version} answers")
        finally:
            enough.set()
            client.join(timeout=60)
        self.assertEqual(list(dict.fromkeys(answers)), ["v1", "v2", "v3"])
        self.assertEqual(answers, sorted(answers))

    def test_a_way_back_that_the_proxy_refuses_freezes_the_target_until_somebody_retries(self):
        self.v1_runs_by_canary()
        self.wish("v2")
        self.waits("greeter/staging/2")
        self.proxy_dies()
        self.proxy_starts({"blue": 50, "green": 50}, backend="other")
        self.resume("greeter/staging/2")
        eventually(lambda: self.world.events("rollback.failed"), "the rollback fails")
        self.assertIn("headgate retry greeter/staging/2", self.world.cli("incident", "list").stdout)
        explained = self.world.cli("explain", "greeter/staging/2").stdout
        self.assertIn("HAProxy says of the weight of greeter/blue", explained)
        self.assertEqual(len(self.world.http("GET", "/v1/freezes").json["freezes"]), 1)
        self.proxy_dies()
        self.proxy_starts({"blue": 50, "green": 50})
        done = self.world.cli("retry", "greeter/staging/2", "--reason", "its file is mended")
        self.assertEqual(done.returncode, 0, done.stderr)
        eventually(lambda: self.world.events("rollback.succeeded"), "the rollback is done")
        self.assertEqual(self.shares(), {"v1": 100})
        self.assertEqual(self.world.http("GET", "/v1/freezes").json["freezes"], [])
        self.assertEqual(self.world.http("GET", "/v1/incidents").json["incidents"], [])

    def test_a_proxy_that_stays_away_ends_the_promotion_and_nothing_is_held_against_the_release(self):
        self.v1_runs_by_canary()
        self.wish("v2")
        self.waits("greeter/staging/2")
        self.proxy_dies()
        self.resume("greeter/staging/2")
        started = eventually(lambda: self.world.events("rollback.started"), "the way back begins", 60)
        self.proxy_starts({"blue": 50, "green": 50})
        eventually(lambda: self.world.events("rollback.succeeded"), "the rollback is done")
        self.assertIn(f"HAProxy at {self.socket}: cannot be reached", started[0]["data"]["reason"])
        self.assertEqual(self.weights(), (100, 0))
        self.assertEqual(self.shares(), {"v1": 100})
        self.assertEqual(self.world.current(), "v1")
        self.assertEqual(self.world.events("release.quarantined"), [])
        self.assertEqual(len(self.world.events("incident.opened")), 1)
        self.assertEqual(len(self.world.events("incident.resolved")), 1)


if __name__ == "__main__":
    unittest.main()
