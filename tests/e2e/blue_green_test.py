"""The example pipelines that go blue-green, with real processes, Git and HTTP: their documents and hooks as they are, but
for addresses and for how long they wait.

One small server stands in for what the documents ask over HTTP: the services' health and Prometheus.
"""

import http.server
import json
import pathlib
import re
import shutil
import threading
import unittest
import urllib.parse

from world import World, eventually

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/pipelines"


class Outside(http.server.BaseHTTPRequestHandler):
    """Healthy services and the measurements of a quiet day, but for what the test says. It is told of events as well."""

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, event["type"]))
        self.send_response(204)
        self.end_headers()

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        status, body = 200, b'{"status":"ok"}'
        if url.path == "/api/v1/query":
            query = urllib.parse.parse_qs(url.query)["query"][0]
            value = next(v for word, v in self.server.measured.items() if word in query)
            result = [{"metric": {}, "value": [1, value]}]
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        elif url.path in self.server.unhealthy:
            status = 503
        self.server.asked.append(url.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Example(unittest.TestCase):
    def begin(self, name, branch, shorter):
        """The example's repository, beside one of that name which holds the services; waits are made shorter."""
        self.world = world = World()
        self.addCleanup(world.close)
        self.outside = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
        self.outside.measured = {}  # by a word of the query
        self.outside.unhealthy = set()
        self.outside.asked = []
        self.outside.told = []
        threading.Thread(target=self.outside.serve_forever, daemon=True).start()
        self.addCleanup(self.outside.server_close)
        self.addCleanup(self.outside.shutdown)
        self.tokens = {}
        self.source = world.root / name
        self.source.mkdir()
        self.git("init", "--quiet", f"--initial-branch={branch}", ".")
        world.config.write_text(
            world.config.read_text().replace(
                "commands:",
                f'  - {{name: {name}, url: "{self.source}", role: source, branches: [{branch}], tags: ["v*"], poll: 1s}}\n'
                "commands:",
            )
        )
        shutil.copytree(EXAMPLES / name, world.tree, dirs_exist_ok=True)
        here = f"http://127.0.0.1:{self.outside.server_port}"
        for file in world.tree.rglob("*.yaml"):
            text = file.read_text()
            for long, short in {"observeEvery: 1m": "observeEvery: 1s", **shorter}.items():
                text = text.replace(long, short)
            text = re.sub(r"http://prometheus\.[a-z.-]*:9090", here, text)
            text = re.sub(r"https://([^/]*)\.example\.com", here + r"/\1", text)
            file.write_text(text)
        world.receive_at(f"127.0.0.1:{self.outside.server_port}")

    def git(self, *arguments):
        return self.world.git(*arguments, cwd=self.source)

    def commit(self, path, text):
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", f"change {path}")
        return self.git("rev-parse", "HEAD")

    def wish_head(self):
        """The Target documents wish what the source holds: whose work that is can be told."""
        commit = self.git("rev-parse", "HEAD")
        for file in (self.world.tree / "targets").rglob("*.yaml"):
            file.write_text(re.sub(r"commit: [0-9a-f]{40}", f"commit: {commit}", file.read_text()))

    def wished_commit(self, service):
        text = (self.world.tree / f"targets/production/{service}.yaml").read_text()
        return re.search(r"commit: ([0-9a-f]{40})", text).group(1)

    def post(self, what, path, body, person=None):
        token = self.token(person) if person else "admin"
        last = []
        def done():
            last[:] = [self.world.http("POST", path, body, token=token)]
            return last[0].status < 300
        try:
            eventually(done, what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {last[0].body}") from error

    def token(self, person):
        if person not in self.tokens:
            created = self.world.cli("token", "create", f"{person}-laptop")
            self.assertEqual(created.returncode, 0, created.stderr)
            self.tokens[person] = created.stdout.strip()
        return self.tokens[person]

    def register(self, service, version, commit):
        """What CI does once the images of a commit are built."""
        image = f"registry.example.com/{service}@sha256:{commit}{commit[:24]}"
        release = {"service": service, "version": version, "commit": commit, "artifacts": {"image": image}}
        self.post(f"{service} {version} is registered", "/v1/releases", release)

    def pass_gates(self, service, commit, gates):
        for gate, metrics in gates.items():
            report = {"service": service, "commit": commit, "gate": gate, "status": "passed", "metrics": metrics}
            self.post(f"{gate} of {service} is reported", "/v1/gates", report)

    def promote(self, person, service, version, environment):
        wish = {"service": service, "environment": environment, "release": {"version": version}}
        self.post(f"{person} promotes {version}", "/v1/promotions", wish, person)

    def approve(self, person, promotion):
        asked = lambda: any(e["subject"] == promotion for e in self.world.events("approval.requested"))
        eventually(asked, f"{promotion} waits for an approval")
        digest = self.world.http("GET", f"/v1/promotions/{promotion}").json["plan_digest"]
        self.post(f"{person} approves", f"/v1/promotions/{promotion}/approve", {"plan_digest": digest}, person)

    def current(self, service, environment):
        current = self.world.http("GET", f"/v1/targets/{service}/{environment}").json.get("current")
        return current["version"] if current else None

    def runs(self, service, environment, version):
        eventually(lambda: self.current(service, environment) == version, f"{version} in {service}/{environment}", 60)

    def steps(self, promotion):
        """Those that began, in their order."""
        return [e["subject"].split("/")[3] for e in self.world.events("step.started") if e["correlation"] == promotion]

    def evidence(self, step):
        return next(e["data"]["evidence"] for e in self.world.events("activity.succeeded") if e["subject"] == step)

    def rolled_back(self, promotion):
        done = lambda: any(e["subject"] == promotion for e in self.world.events("rollback.succeeded"))
        eventually(done, f"{promotion} is rolled back", 60)

    def all_is_told(self):
        verified = self.world.cli("log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)


class PlasmaEngine(Example):
    GATES = {
        "lint": {},
        "security": {"critical": 0, "high": 0, "medium": 3},
        "unit-tests": {"coverage": 92.5},
        "integration-tests": {},
        "images": {},
    }

    def test_a_tag_and_an_approval_bring_a_release_to_production_and_errors_take_it_back(self):
        self.begin(
            "plasma-engine",
            "main",
            {"observe: 10m": "observe: 3s", "keepOld: 15m": "keepOld: 3s", "interval: 1m": "interval: 1s",
             "interval: 15s": "interval: 1s"},
        )
        world = self.world
        self.outside.measured = {"code=~": "0.01", "increase(": "100", "duration_seconds_bucket": "0.2",
                                 "memory_working_set": "0.5", "cpu_usage": "0.3"}
        self.commit("plasma-engine-gateway/main.py", "1")
        self.commit("plasma-engine-research/main.py", "1")
        self.wish_head()
        world.push("the pipeline")
        world.start()

        # What the Target documents wish.
        self.pass_gates("gateway", self.wished_commit("gateway"), self.GATES)
        self.runs("gateway", "staging", "v1.0.0")
        self.approve("carol", "gateway/production/1")
        self.runs("gateway", "production", "v1.0.0")

        second = self.commit("plasma-engine-gateway/main.py", "2")
        self.register("gateway", "v1.1.0", second)
        self.pass_gates("gateway", second, self.GATES)
        self.runs("gateway", "staging", "v1.1.0")
        self.git("tag", "-a", "v1.1.0", "-m", "the second")
        self.approve("carol", "gateway/production/2")
        self.runs("gateway", "production", "v1.1.0")
        self.assertEqual(
            self.steps("gateway/production/2"),
            ["gates", "approval", "shift-0.eu", "deploy.eu", "green-health.eu", "green-smoke.eu", "switch.eu", "observe.eu",
             "health-after-switch.eu", "keep-old", "retire-old.eu"],
        )
        self.assertIn("/gateway-green.eu.plasma-engine/health", self.outside.asked)
        deployed = self.evidence("gateway/production/2/deploy.eu")
        self.assertEqual((deployed["slot"], deployed["replicas"], deployed["memory"]), ("green", "3", "2Gi"))
        # Of its sisters nothing is under way but what their own documents wish.
        planned = [e for e in world.events("promotion.planned") if not e["subject"].startswith("gateway/")]
        self.assertEqual({e["data"]["trigger"] for e in planned}, {"desired"})

        # What the first region runs comes to the one on standby, which what follows leaves alone.
        asked = world.cli("promote", "gateway", "--to", "production", "--release", "v1.1.0", "--location", "us")
        self.assertEqual(asked.returncode, 0, asked.stdout + asked.stderr)
        self.approve("carol", "gateway/production/3")
        done = lambda: any(e["subject"] == "gateway/production/3" for e in world.events("promotion.succeeded"))
        eventually(done, "the second region runs v1.1.0", 60)
        self.assertEqual(
            self.steps("gateway/production/3"),
            ["gates", "approval", "deploy.us", "green-health.us", "green-smoke.us", "switch.us", "observe.us",
             "health-after-switch.us"],
        )

        third = self.commit("plasma-engine-gateway/main.py", "3")
        self.register("gateway", "v1.2.0", third)
        self.pass_gates("gateway", third, self.GATES)
        self.runs("gateway", "staging", "v1.2.0")
        self.outside.measured["code=~"] = "0.06"
        self.git("tag", "-a", "v1.2.0", "-m", "the third")
        self.approve("carol", "gateway/production/4")
        self.rolled_back("gateway/production/4")
        self.assertEqual(self.current("gateway", "production"), "v1.1.0")
        self.assertEqual(
            self.steps("gateway/production/4")[-4:],
            ["observe.eu", "rollback-shift.eu", "rollback-health-after-switch.eu", "rollback-retire.eu"],
        )
        self.assertEqual([e["subject"] for e in world.events("release.quarantined")], ["gateway/v1.2.0"])
        told = ("/told/engineering", "dev.headgate.rollback.succeeded.v1")
        eventually(lambda: told in self.outside.told, "engineering is told of the rollback")
        self.assertEqual(len(world.events("incident.opened")), 1)
        self.all_is_told()


class PersonalAssistant(Example):
    GATES = {
        "quality": {},
        "security": {"critical": 0, "high": 0, "medium": 4, "forbidden-licences": 0},
        "unit-tests": {"coverage": 93},
        "integration-tests": {"coverage": 84},
        "end-to-end-tests": {"coverage": 72, "total-coverage": 88},
        "performance-tests": {"api-response-ms": 640, "database-query-ms": 90, "container-memory-mb": 300, "cpu-percent": 35},
        "build": {"root-containers": 0},
    }

    def test_develop_goes_by_itself_the_rest_by_hand_and_an_unhealthy_colour_never_gets_traffic(self):
        self.begin(
            "personal-assistant",
            "develop",
            {"observe: 3m": "observe: 3s", "keepOld: 2m": "keepOld: 2s", "interval: 30s": "interval: 1s",
             "interval: 6s": "interval: 1s", "interval: 5s": "interval: 1s", "attempts: 10": "attempts: 3",
             # Bearer tokens, which everybody here signs in with, have no claims: the server takes no such grant.
             "      requireClaims: {amr: mfa}\n": "", ", requireClaims: {amr: mfa}": ""},
        )
        world = self.world
        self.outside.measured = {"http_request_duration": "0.6", "database_query": "0.05", "memory_working_set": "300",
                                 "cpu_usage": "35"}
        self.commit("assistant/main.py", "1")
        self.wish_head()
        world.push("the pipeline")
        world.start()

        # What the Target documents wish: development at once, the others once somebody agrees.
        self.runs("assistant", "development", "v1.0.0")
        self.pass_gates("assistant", self.wished_commit("assistant"), self.GATES)
        self.approve("bob", "assistant/staging/1")
        self.runs("assistant", "staging", "v1.0.0")
        self.approve("carol", "assistant/production/1")
        self.runs("assistant", "production", "v1.0.0")

        second = self.commit("assistant/main.py", "2")
        self.register("assistant", "v1.1.0", second)
        self.runs("assistant", "development", "v1.1.0")
        self.pass_gates("assistant", second, self.GATES)
        self.promote("alice", "assistant", "v1.1.0", "staging")
        self.approve("bob", "assistant/staging/2")
        self.runs("assistant", "staging", "v1.1.0")
        self.promote("bob", "assistant", "v1.1.0", "production")
        self.approve("carol", "assistant/production/2")
        self.runs("assistant", "production", "v1.1.0")
        self.assertEqual(
            self.steps("assistant/production/2"),
            ["gates", "approval", "shift-0", "deploy", "preview-health", "preview-database", "preview-database-pool",
             "critical-path", "switch", "observe", "health-after-switch", "tests-after-switch", "keep-old", "retire-old"],
        )
        deployed = self.evidence("assistant/production/2/deploy")
        self.assertEqual((deployed["slot"], deployed["workers"], deployed["user"]), ("green", "4", "10001"))

        third = self.commit("assistant/main.py", "3")
        self.register("assistant", "v1.2.0", third)
        self.pass_gates("assistant", third, self.GATES)
        self.promote("alice", "assistant", "v1.2.0", "staging")
        self.approve("bob", "assistant/staging/3")
        self.runs("assistant", "staging", "v1.2.0")
        self.outside.unhealthy.add("/assistant-blue/health/database/pool")
        self.promote("bob", "assistant", "v1.2.0", "production")
        self.approve("carol", "assistant/production/3")
        self.rolled_back("assistant/production/3")
        self.assertNotIn("switch", self.steps("assistant/production/3"))
        self.assertEqual(self.current("assistant", "production"), "v1.1.0")
        self.assertEqual([e["subject"] for e in world.events("release.quarantined")], ["assistant/v1.2.0"])
        self.assertEqual(len(world.events("incident.opened")), 1)
        self.all_is_told()


if __name__ == "__main__":
    unittest.main(verbosity=2)
