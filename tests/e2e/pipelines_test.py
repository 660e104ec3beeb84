"""Two of the reference pipelines with real processes, each along its good path.

Their repositories are served as they stand in examples/pipelines, but for what a test cannot wait for or reach: waits
and intervals are seconds, and the targets are on this machine. Every long wait and every way to fail is played in
virtual time by pipelines_test.
"""

import http.server
import json
import pathlib
import re
import shutil
import threading
import unittest

from world import World, eventually

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "pipelines"


class Surroundings(http.server.BaseHTTPRequestHandler):
    """Health, monitoring, a stand-in for Prometheus that finds everything well, and whoever is told of events."""

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, event["type"]))
        self.send_response(204)
        self.end_headers()

    def do_GET(self):
        body = b"{}"
        if self.path.startswith("/api/v1/query"):
            value = "100" if "increase" in self.path else "0.01"
            result = [{"metric": {}, "value": [1, value]}]
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Pipeline(unittest.TestCase):
    def serve(self, name, faster):
        self.tokens = {}
        self.world = world = World()
        self.addCleanup(world.close)
        self.surroundings = server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Surroundings)
        server.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        here = f"127.0.0.1:{server.server_port}"

        shutil.copytree(EXAMPLES / name, world.tree, dirs_exist_ok=True)
        found = set()
        for file in world.tree.rglob("*.yaml"):
            text = file.read_text()
            text = re.sub(r"\$\{variables\.(host|monitoring)\}", here, text)
            text = re.sub(r"https?://[a-z.]+\.example\.com", f"http://{here}", text)
            text = re.sub(r"host: [a-z.]+\.example\.com, port: 443", "host: 127.0.0.1, port: 1", text)
            text = re.sub(r"name: [a-z.]+\.example\.com", "name: localhost", text)
            text = re.sub(r'place: "/srv/\w+/(\w+)"', rf'place: "{world.place}/\1"', text)
            text = text.replace("http://127.0.0.1:9090", f"http://{here}").replace("observeEvery: 1m", "observeEvery: 1s")
            for slow, fast in faster.items():
                found.update([slow] if slow in text else [])
                text = text.replace(slow, fast)
            file.write_text(text)
        self.assertEqual(found, set(faster), "what the test makes faster is there")
        world.receive_at(here)
        for environment in ("staging", "production"):
            (world.place / environment).mkdir()

        self.source = world.root / name
        self.source.mkdir()
        world.git("init", "--quiet", "--initial-branch=main", ".", cwd=self.source)
        world.config.write_text(
            world.config.read_text().replace(
                "commands:",
                f'  - {{name: {name}, url: "{self.source}", role: source, branches: [main], tags: ["v*"], poll: 1s}}\n'
                "commands:",
            )
        )
        self.commit("README.txt", "first")

    def commit(self, path, text):
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.world.git("add", "--all", cwd=self.source)
        self.world.git("commit", "--quiet", "-m", f"change {path}", cwd=self.source)
        return self.world.git("rev-parse", "HEAD", cwd=self.source)

    def current(self, environment):
        current = self.world.http("GET", f"/v1/targets/backend/{environment}").json.get("current")
        return current["version"] if current else None

    def post(self, path, body, token="admin"):
        answer = self.world.http("POST", path, body, token=token)
        self.assertLess(answer.status, 300, answer.body)

    def build(self, version, commit, gates):
        """What the build would tell: the release with its images, and every gate, in its order."""
        image = "registry.example.com/backend@sha256:" + commit[:32] * 2
        tags = ["latest", version, f"sha-{commit[:7]}"]
        body = {"service": "backend", "version": version, "commit": commit, "artifacts": {"image": image}, "tags": tags}
        self.post("/v1/releases", body)
        for gate, metrics in gates.items():
            body = {"service": "backend", "commit": commit, "gate": gate, "status": "passed", "metrics": metrics}
            self.post("/v1/gates", body)

    def approve(self, promotion, person):
        def waits():
            answer = self.world.http("GET", f"/v1/promotions/{promotion}")
            return answer.status == 200 and "approval" in json.dumps(answer.json.get("unmet", [])) and answer.json

        digest = eventually(waits, f"{promotion} waits for an approval")["plan_digest"]
        if person not in self.tokens:
            created = self.world.cli("token", "create", f"{person}-laptop")
            self.assertEqual(created.returncode, 0, created.stderr)
            self.tokens[person] = created.stdout.strip()
        self.post(f"/v1/promotions/{promotion}/approve", {"plan_digest": digest}, token=self.tokens[person])

    def verified(self):
        done = self.world.cli("log", "verify")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_tta_from_a_push_to_production(self):
        self.serve(
            "tta",
            {"wait: 5m": "wait: 1s", "wait: 30m": "wait: 1s", "interval: 30s": "interval: 1s", "after: 60s": "after: 1s"},
        )
        world = self.world
        for environment in ("staging", "production"):
            for service in ("backend", "frontend"):
                (world.place / environment / f"{service}.version").write_text("v1.0.0\n")
        world.push("the pipeline")
        world.start()
        for environment in ("staging", "production"):
            eventually(lambda e=environment: self.current(e) == "v1.0.0", f"v1.0.0 is adopted in {environment}")

        commit = self.commit("backend/main.txt", "1")
        gates = {
            "lint": {}, "format": {}, "types": {}, "unit-tests": {"coverage": 91}, "integration-tests": {},
            "vulnerability-scan": {"critical": 0, "high": 0}, "dependency-updates": {}, "secret-scan": {"secrets": 0},
            "images": {"platforms": 2}, "container-scan": {"critical": 0}, "artifacts": {},
        }  # fmt: skip
        self.build("v1.1.0", commit, gates)
        self.approve("backend/staging/1", "bob")
        eventually(lambda: self.current("staging") == "v1.1.0", "v1.1.0 runs in staging")
        self.assertIn("backend staging: v1.1.0", (world.place / "staging" / "summary.txt").read_text())

        world.git("tag", "v1.1.0", cwd=self.source)
        self.approve("backend/production/1", "carol")
        eventually(lambda: self.current("production") == "v1.1.0", "v1.1.0 runs in production")
        backups = list((world.place / "production").glob("backup-*"))
        self.assertEqual([b.read_text().strip() for b in backups], ["v1.0.0"])
        self.assertEqual((world.place / "production" / "frontend.version").read_text().strip(), "v1.0.0")

        post = world.cli("rollback", "--environment", "production", "--service", "backend", "--restore", "--reason", "slow")
        self.assertEqual(post.returncode, 0, post.stderr)
        eventually(lambda: self.current("production") == "v1.0.0", "v1.0.0 is back in production")
        self.assertIn("restored before v1.0.0", (world.place / "production" / "restored.txt").read_text())
        told = ("/told/team", "dev.headgate.rollback.succeeded.v1")
        eventually(lambda: told in self.surroundings.told, "the team is told of the rollback")
        self.verified()

    def test_salunga_from_a_merge_through_a_canary(self):
        self.serve(
            "salunga",
            {"duration: 30m": "duration: 2s", "interval: 1m": "interval: 1s", "interval: 6s": "interval: 1s",
             "baseline: {window: 1h": "baseline: {window: 1m",
             # No maintenance, whatever the hour: the scenarios hold what that does.
             'schedule: "0 2 * * 0", duration: 2h, timeZone: UTC': "from: 2001-01-01T00:00:00Z, to: 2001-01-01T02:00:00Z",
             "from: 2026-12-05T20:00:00Z, to: 2026-12-05T23": "from: 2001-12-05T20:00:00Z, to: 2001-12-05T23"},
        )  # fmt: skip
        world = self.world
        for environment in ("staging", "production"):
            for service in ("backend", "frontend"):
                (world.place / environment / f"{service}.only").write_text("v1.0.0\n")
                (world.place / environment / f"{service}.live").write_text("only\n")
        world.push("the pipeline")
        world.start()
        for environment in ("staging", "production"):
            eventually(lambda e=environment: self.current(e) == "v1.0.0", f"v1.0.0 is adopted in {environment}")

        gates = {
            "static-analysis": {}, "unit-tests": {"coverage": 88}, "integration-tests": {}, "contract-tests": {},
            "build": {}, "sbom": {},
        }  # fmt: skip
        for number, version in enumerate(("v1.1.0", "v1.2.0"), start=1):
            self.build(version, self.commit("backend/main.txt", version), gates)
            eventually(lambda v=version: self.current("staging") == v, f"{version} runs in staging")
            self.approve(f"backend/production/{number}", "carol")
            eventually(lambda v=version: self.current("production") == v, f"{version} runs in production", seconds=90)
        traffic = (world.place / "production" / "backend.traffic").read_text().split("\n")[:-1]
        self.assertEqual(traffic[-5:], ["green 0", "green 5", "green 25", "green 50", "green 100"])
        self.assertTrue(all(e["data"]["verdict"] == "passed" for e in world.events("measurement.taken")))
        self.assertEqual((world.place / "production" / "backend.schema").read_text().split(), ["v1.1.0", "v1.2.0"])
        self.verified()


if __name__ == "__main__":
    unittest.main()
