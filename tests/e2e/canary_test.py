"""A canary over real processes: two slots by the command driver, traffic by a script, measured over HTTP.

The server that measures here is a small stand-in for Prometheus: it answers the same API from what runs in the slot.
"""

import http.server
import json
import pathlib
import re
import textwrap
import threading
import unittest
import urllib.parse

from world import World, eventually

DEPLOY = """\
#!/bin/sh
set -eu
echo "$HEADGATE_RELEASE_VERSION" > "$1/$HEADGATE_SLOT"
echo "{\\"slot\\":\\"$HEADGATE_SLOT\\"}"
"""
OBSERVE = """\
#!/bin/sh
set -eu
if [ -f "$1/live" ] && [ -f "$1/$(cat "$1/live")" ]; then
  printf '{"version":"%s"}\\n' "$(cat "$1/$(cat "$1/live")")"
else
  echo '{"version":null}'
fi
"""
RETIRE = """\
#!/bin/sh
set -eu
rm -f "$1/$HEADGATE_SLOT"
echo "retire $HEADGATE_SLOT" >> "$1/traffic"
echo '{}'
"""
SHIFT = """\
#!/bin/sh
set -eu
echo "$HEADGATE_SLOT $HEADGATE_WEIGHT" >> "$1/traffic"
if [ "$HEADGATE_WEIGHT" = 100 ]; then echo "$HEADGATE_SLOT" > "$1/live"; fi
echo '{}'
"""


def measures(place):
    """Serves /api/v1/query for errors{slot="…"}: many where a bad release runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            url = urllib.parse.urlparse(self.path)
            query = urllib.parse.parse_qs(url.query)["query"][0]
            slot = re.fullmatch(r'errors\{service="greeter",slot="(blue|green)"\}', query)
            file = place / slot.group(1) if slot else None
            value = "0.5" if file and file.exists() and "bad" in file.read_text() else "0.01"
            result = [{"metric": {}, "value": [1, value]}] if slot and url.path == "/api/v1/query" else []
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


class Canary(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.metrics = measures(self.world.place)
        threading.Thread(target=self.metrics.serve_forever, daemon=True).start()
        self.addCleanup(self.metrics.server_close)
        self.addCleanup(self.metrics.shutdown)

    def documents(self):
        place = self.world.place
        for name, text in {"deploy": DEPLOY, "observe": OBSERVE, "retire": RETIRE, "shift": SHIFT}.items():
            self.world.write(f"hooks/{name}.sh", text, executable=True)
        self.world.write(
            "services/greeter.yaml",
            textwrap.dedent(
                """\
                apiVersion: headgate.dev/v1
                kind: Service
                metadata: {name: greeter}
                spec:
                  analysis:
                    - name: errors
                      prometheus: {query: 'errors{service="${service}",slot="${slot}"}'}
                      interval: 1s
                      threshold: {max: 0.05}
                      baseline: {against: stable, maxDelta: 0.01}
                  stages:
                    - environment: staging
                      strategy:
                        canary:
                          steps:
                            - setWeight: 5
                            - pause: {duration: 2s}
                            - setWeight: 50
                            - pause: {}
                            - setWeight: 100
                          analysis: [errors]
                """
            ),
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
                      observe: [hooks/observe.sh, "{place}"]
                      retire: [hooks/retire.sh, "{place}"]
                  traffic: {{command: {{shift: [hooks/shift.sh, "{place}"]}}}}
                  prometheus: {{address: "http://127.0.0.1:{self.metrics.server_port}"}}
                  observeEvery: 1s
                """
            ),
        )

    def traffic(self):
        file = pathlib.Path(self.world.place / "traffic")
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def resume(self, promotion):
        """Once it waits for a person."""
        eventually(lambda: "waits for a person" in self.world.cli("explain", promotion).stdout, f"{promotion} waits")
        waits = [condition["text"] for condition in self.world.target()["waiting_for"]]
        self.assertTrue(any("waits for a person" in text for text in waits), waits)
        self.assertIn("waits for a person", self.world.cli("status").stdout)
        done = self.world.cli("resume", promotion, "--reason", "looks fine")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_it_goes_step_by_step_and_back_when_the_measurements_say_so(self):
        self.documents()
        self.world.wish("v1")
        self.world.push("first")
        self.world.start()
        self.resume("greeter/staging/1")
        eventually(lambda: self.world.current() == "v1", "v1 runs")
        self.assertEqual(self.traffic(), ["blue 100"])

        self.world.wish("v2")
        self.world.push("second")
        self.resume("greeter/staging/2")
        eventually(lambda: self.world.current() == "v2", "v2 runs")
        self.assertEqual(self.traffic()[1:], ["green 0", "green 5", "green 50", "green 100", "retire blue"])
        self.assertFalse((self.world.place / "blue").exists())
        taken = [e["data"] for e in self.world.events("measurement.taken")]
        self.assertTrue(any(t.get("baseline") == "0.01" and t["verdict"] == "passed" for t in taken), taken)

        self.world.wish("v3-bad")
        self.world.push("bad")
        eventually(lambda: self.world.events("rollback.succeeded"), "the rollback is done")
        self.assertEqual(self.traffic()[6:], ["blue 0", "blue 5", "green 100", "retire blue"])
        self.assertEqual(self.world.current(), "v2")
        self.assertEqual(len(self.world.events("release.quarantined")), 1)
        failed = [e["data"] for e in self.world.events("measurement.taken") if e["data"]["verdict"] == "failed"]
        self.assertEqual([f["value"] for f in failed], ["0.5"])
        verified = self.world.cli("log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)


if __name__ == "__main__":
    unittest.main()
