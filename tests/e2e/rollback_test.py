"""Going back by hand over real processes: with a restore point; and when the rollback itself fails."""

import http.server
import textwrap
import threading
import unittest

import world
from world import eventually

BACKUP = """\
#!/bin/sh
set -eu
cp "$1/data" "$1/dump"
echo '{"dump":"dump"}'
"""
RESTORE = """\
#!/bin/sh
set -eu
case "$HEADGATE_RESTORE_POINT" in
  *'"dump":"dump"'*) ;;
  *) echo "no such point: $HEADGATE_RESTORE_POINT" >&2; exit 1 ;;
esac
cp "$1/dump" "$1/data"
echo '{"restored":true}'
"""
# Refuses to bring anything while the file 'broken' is there; with 'stuck' it hangs and is deaf to SIGTERM.
DEPLOY = """\
#!/bin/sh
set -eu
if [ -f "$1/broken" ]; then echo "no host" >&2; exit 1; fi
if [ -f "$1/stuck" ]; then trap '' TERM; touch "$1/hangs"; while :; do sleep 1; done; fi
echo "$HEADGATE_RELEASE_VERSION" > "$1/running"
echo "written by $HEADGATE_RELEASE_VERSION" > "$1/data"
echo '{"deployed":true}'
"""


class RollbackTest(unittest.TestCase):
    def setUp(self):
        self.world = world.World()
        self.addCleanup(self.world.close)
        self.world.hooks(deploy=DEPLOY)
        self.world.write("hooks/backup.sh", BACKUP, executable=True)
        self.world.write("hooks/restore.sh", RESTORE, executable=True)
        place = self.world.place
        (place / "data").write_text("nothing yet\n")
        rules = textwrap.dedent(
            f"""\
            before:
              - {{name: backup, run: {{command: [hooks/backup.sh, "{place}"]}}, keeps: before-it}}
            rollback:
              restore: {{point: before-it, run: {{command: [hooks/restore.sh, "{place}"]}}}}
            """
        )
        self.world.documents(protection=textwrap.indent(rules, " " * 22).strip())
        self.world.wish("v1")
        self.world.push()
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "v1 runs")
        self.world.wish("v2")
        self.world.push()
        eventually(lambda: self.world.current() == "v2", "v2 runs")

    def data(self):
        return (self.world.place / "data").read_text().strip()

    def rollback(self, *more):
        return self.world.cli("rollback", "--environment", "staging", "--reason", "errors since noon", *more)

    def test_it_goes_back_with_the_restore_point(self):
        self.assertEqual(self.data(), "written by v2")
        shown = self.rollback("--service", "greeter", "--restore", "--dry-run")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for text in ("greeter/staging/3", "v2 -> v1", "rollback-restore", "rollback-deploy"):
            self.assertIn(text, shown.stdout)
        self.assertEqual(self.world.events("rollback.requested"), [])

        # The deployment writes the data anew, so the restore must come first and the deployment is made to keep it.
        done = self.rollback("--service", "greeter", "--restore")
        self.assertEqual(done.returncode, 0, done.stderr)
        waited = self.world.cli("wait", "greeter/staging/3", "--timeout", "60s")
        self.assertEqual(waited.returncode, 0, waited.stdout + waited.stderr)
        self.assertEqual(self.world.current(), "v1")
        self.assertEqual(self.world.running(), "v1")
        evidence = [e["data"]["evidence"] for e in self.world.events("activity.succeeded")]
        self.assertIn({"restored": True}, evidence)
        asked = self.world.events("rollback.requested")
        self.assertEqual(len(asked), 1)
        self.assertTrue(asked[0]["actor"].startswith(("token:", "person:")))
        self.assertEqual(self.world.http("GET", "/v1/promotions/greeter/staging/3").json["trigger"], "rollback")
        # Git still wishes v2: the target is pinned, and says so.
        self.assertIn("errors since noon", self.world.target()["pinned"])
        self.assertEqual(self.world.events("incident.resolved")[0]["data"]["id"], "1")

        again = self.rollback("--service", "greeter")
        self.assertEqual(again.returncode, 1, again.stdout)
        self.assertIn("no way leads further back from release v1", again.stderr)
        self.assertIn("--to: v2", again.stderr)

    def test_a_request_is_carried_out_once(self):
        body = {"environment": "staging", "services": ["greeter"], "reason": "errors"}
        first = self.world.http("POST", "/v1/rollbacks", body, headers={"Idempotency-Key": "k1"})
        self.assertEqual(first.status, 202, first.body)
        second = self.world.http("POST", "/v1/rollbacks", body, headers={"Idempotency-Key": "k1"})
        self.assertTrue(second.json["repeated"], second.body)
        eventually(lambda: self.world.current() == "v1", "v1 is back")
        self.assertEqual(len(self.world.events("rollback.requested")), 1)

    def test_a_monitor_takes_back_what_fails_after_its_success(self):
        place = self.world.place

        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                running = (place / "running").read_text().strip()
                self.send_response(500 if running == "v2" and (place / "hurt").exists() else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.world.documents()
        file = self.world.tree / "environments" / "staging.yaml"
        file.write_text(
            file.read_text()
            + "  monitors:\n"
            + "    - name: health\n"
            + "      services: [greeter]\n"
            + f'      http: {{url: "http://127.0.0.1:{server.server_port}/health"}}\n'
            + "      every: 1s\n"
            + "      failureLimit: 2\n"
            + "      onFailure: rollback\n"
        )
        self.world.push()
        eventually(lambda: self.world.http("GET", "/v1/environments/staging").json["monitors"], "the monitor is in force")
        self.assertEqual(self.world.events("monitor.failed"), [])
        (place / "hurt").touch()
        eventually(lambda: self.world.current() == "v1" and not self.world.target()["promotion"], "v1 is back")
        eventually(lambda: self.world.events("monitor.recovered"), "the monitor passes again")
        failed = self.world.events("monitor.failed")
        self.assertEqual(len(failed), 1)
        self.assertIn("status 500", failed[0]["data"]["reason"])
        self.assertEqual(self.world.events("rollback.requested")[0]["actor"], "engine")
        self.assertTrue(self.world.events("rollback.started")[0]["data"]["automatic"])
        self.assertEqual(self.world.events("release.quarantined")[0]["subject"], "greeter/v2")
        environment = self.world.http("GET", "/v1/environments/staging").json
        self.assertEqual(environment["failing_monitors"], [])
        self.assertIn("passes again", self.world.http("GET", "/v1/incidents").json["incidents"][0]["notes"][-1])
        self.assertIn("staging", self.world.cli("get", "environments").stdout)

    def test_a_rollback_that_fails_is_taken_up_again(self):
        (self.world.place / "broken").touch()
        self.assertEqual(self.rollback("--service", "greeter").returncode, 0)
        eventually(lambda: self.world.events("rollback.failed"), "the rollback fails")

        listed = self.world.cli("incident", "list")
        self.assertIn("headgate retry greeter/staging/3", listed.stdout)
        self.assertIn("failed", self.world.cli("get", "freezes").stdout)
        self.assertIn("headgate retry greeter/staging/3", str(self.world.target()["waiting_for"]))
        noted = self.world.cli("incident", "note", "1", "--note", "looking at the host")
        self.assertEqual(noted.returncode, 0, noted.stderr)

        (self.world.place / "broken").unlink()
        retried = self.world.cli("retry", "greeter/staging/3", "--reason", "the host is back")
        self.assertEqual(retried.returncode, 0, retried.stderr)
        waited = self.world.cli("wait", "greeter/staging/3", "--timeout", "60s")
        self.assertEqual(waited.returncode, 0, waited.stdout + waited.stderr)
        self.assertEqual(self.world.running(), "v1")
        self.assertEqual(self.world.http("GET", "/v1/freezes").json["freezes"], [])
        self.assertEqual(self.world.http("GET", "/v1/incidents").json["incidents"], [])

        text = self.world.cli("postmortem", "greeter/staging/3").stdout
        for expected in ("# Post-mortem of greeter/staging/3", "incident.noted", "looking at the host", "## Root cause"):
            self.assertIn(expected, text)
        self.assertEqual(text, self.world.cli("postmortem", "greeter/staging/3").stdout)

    def test_a_rollback_that_hangs_is_taken_up_again(self):
        (self.world.place / "stuck").touch()
        self.assertEqual(self.rollback("--service", "greeter").returncode, 0)
        eventually((self.world.place / "hangs").exists, "the rollback hangs")
        cancelled = self.world.cli("cancel", "greeter/staging/3")
        self.assertIn("headgate retry greeter/staging/3", cancelled.stderr)

        (self.world.place / "stuck").unlink()
        retried = self.world.cli("retry", "greeter/staging/3", "--reason", "it hangs")
        self.assertEqual(retried.returncode, 0, retried.stderr)
        self.assertIn("the attempt that ran is ended", retried.stdout)
        waited = self.world.cli("wait", "greeter/staging/3", "--timeout", "60s")
        self.assertEqual(waited.returncode, 0, waited.stdout + waited.stderr)
        self.assertEqual(self.world.running(), "v1")
        self.assertEqual(len(self.world.events("activity.fenced")), 1)

    def test_a_rollback_that_fails_is_resolved_by_a_person(self):
        (self.world.place / "broken").touch()
        self.assertEqual(self.rollback("--service", "greeter").returncode, 0)
        eventually(lambda: self.world.events("rollback.failed"), "the rollback fails")
        (self.world.place / "broken").unlink()
        resolved = self.world.cli("incident", "resolve", "1", "--review", "the disk was full")
        self.assertEqual(resolved.returncode, 0, resolved.stderr)
        self.assertEqual(self.world.http("GET", "/v1/freezes").json["freezes"], [])
        adopted = self.world.cli("adopt", "greeter/staging", "--reason", "v2 still runs")
        self.assertEqual(adopted.returncode, 0, adopted.stderr)
        self.assertEqual(self.world.current(), "v2")


if __name__ == "__main__":
    unittest.main()
