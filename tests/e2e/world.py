"""A real Headgate, a real Git repository and real processes, for the end-to-end tests.

Nothing sleeps for a fixed time: `eventually` asks again until a condition holds or its deadline has passed.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

BINARY = os.environ["HEADGATE"]
CHECK_RECORDS = str(pathlib.Path(BINARY).parent / "tests/schemas/headgate_check_records")
GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
}


def eventually(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except (OSError, urllib.error.URLError) as error:
            last = error
        time.sleep(0.05)  # between two looks; the condition decides
    raise AssertionError(f"not within {seconds} s: {what}; last: {last!r}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


DEPLOY = """\
#!/bin/sh
set -eu
echo "$HEADGATE_RELEASE_VERSION" > "$1/running"
echo "deploying $HEADGATE_RELEASE_VERSION by $HEADGATE_ACTIVITY" >> "$1/deploys"
echo '{"deployed":true}'
"""
OBSERVE = """\
#!/bin/sh
set -eu
if [ -f "$1/running" ]; then
  printf '{"version":"%s"}\\n' "$(cat "$1/running")"
else
  echo '{"version":null}'
fi
"""
VERIFY = """\
#!/bin/sh
set -eu
case "$(cat "$1/running")" in
  *bad*) echo "bad release" >&2; exit 1 ;;
esac
echo '{"healthy":true}'
"""


class World:
    """A temporary folder with a bare repository, its work tree, a server file and a place where targets run."""

    def __init__(self, data=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="headgate-e2e-"))
        self.bare = self.root / "environments.git"
        self.tree = self.root / "environments"
        self.data = pathlib.Path(data) if data else self.root / "data"
        self.place = self.root / "place"
        self.place.mkdir()
        self.config = self.root / "headgate.yaml"
        self.log = self.root / "server.log"
        self.port = free_port()
        self.server = None
        self.damaged = False  # set by a test that leaves a log that cannot be read
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), cwd=self.root)
        self.git("clone", "--quiet", str(self.bare), str(self.tree), cwd=self.root)
        self.git("checkout", "--quiet", "-B", "main")
        self.write_config()

    def write_config(self, extra="", mode="repository"):
        self.config.write_text(
            textwrap.dedent(
                f"""\
                data: {self.data}
                listen: 127.0.0.1:{self.port}
                origin: e2e.headgate.test
                repositories:
                  - {{name: environments, url: "{self.bare}", branch: main, role: environments, poll: 1s}}
                commands: {{mode: {mode}}}
                limits: {{requestsPerSecond: 0}}
                drain: 1s
                """
            )
            + extra
        )

    def receive_at(self, address):
        """Has every receiver of the tree's notification policies be a webhook of `address`, with the secrets it names."""
        secrets = {}
        for file in self.tree.rglob("*.yaml"):
            text = file.read_text()
            if "kind: NotificationPolicy" not in text:
                continue
            for name, what, secret in re.findall(r"^    ([a-z-]+): (\{.*\{secret: ([a-z-]+)\}.*\})$", text, re.MULTILINE):
                url = f"http://{address}/told/{name}"
                text = text.replace(what, f'{{webhook: {{url: "{url}", signature: {{secret: {secret}}}}}}}')
                secrets[secret] = self.root / f"{secret}.secret"
                secrets[secret].write_text(f"the secret {secret}\n")
                secrets[secret].chmod(0o600)
            file.write_text(text)
        if secrets:
            listed = ", ".join(f"{name}: {{file: {path}}}" for name, path in secrets.items())
            self.config.write_text(self.config.read_text() + f"secrets: {{{listed}}}\n")

    # ------------------------------------------------------------------------------------------------ Git

    def git(self, *arguments, cwd=None, check=True):
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.tree, env=GIT_ENVIRONMENT, capture_output=True, text=True, timeout=60
        )
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def write(self, path, text, executable=False):
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if executable:
            file.chmod(0o755)

    def push(self, message="change", force=False):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        self.git("push", "--quiet", *(["--force"] if force else []), "origin", "main")
        return self.git("rev-parse", "HEAD")

    def hooks(self, deploy=DEPLOY, observe=OBSERVE, verify=VERIFY):
        self.write("hooks/deploy.sh", deploy, executable=True)
        self.write("hooks/observe.sh", observe, executable=True)
        self.write("hooks/verify.sh", verify, executable=True)

    def documents(self, protection="", gates="[]", deploy_timeout="30s"):
        self.write(
            "services/greeter.yaml",
            textwrap.dedent(
                f"""\
                apiVersion: headgate.dev/v1
                kind: Service
                metadata: {{name: greeter}}
                spec:
                  gates: [{{name: tests}}]
                  stages:
                    - environment: staging
                      requires: {{gates: {gates}}}
                      {protection}
                      verify:
                        - {{name: works, run: {{command: [hooks/verify.sh, "{self.place}"], timeout: 10s}}}}
                """
            ),
        )
        self.write(
            "environments/staging.yaml",
            textwrap.dedent(
                f"""\
                apiVersion: headgate.dev/v1
                kind: Environment
                metadata: {{name: staging}}
                spec:
                  driver:
                    command:
                      deploy: [hooks/deploy.sh, "{self.place}"]
                      observe: [hooks/observe.sh, "{self.place}"]
                  observeEvery: 1s
                """
            ),
        )

    def wish(self, version, commit=None):
        commit = commit or hashlib.sha1(version.encode()).hexdigest()
        self.write(
            "targets/greeter.yaml",
            textwrap.dedent(
                f"""\
                apiVersion: headgate.dev/v1
                kind: Target
                metadata: {{name: greeter.staging}}
                spec:
                  service: greeter
                  environment: staging
                  release: {{version: {version}, commit: {commit}}}
                """
            ),
        )
        return commit

    def running(self):
        file = self.place / "running"
        return file.read_text().strip() if file.exists() else None

    # --------------------------------------------------------------------------------------------- server

    def start(self, wait=True, prefix=(), arguments=()):
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [*prefix, BINARY, "serve", "--config", str(self.config), *arguments],
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if wait:
            eventually(self.ready, "the server is ready")
        return self.server

    def ready(self):
        if self.server.poll() is not None:
            raise AssertionError(f"the server ended with {self.server.returncode}: {self.log.read_text()[-4000:]}")
        return self.http("GET", "/readyz", token=None).status == 200

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            return self.server.wait(timeout=60)
        return self.server.returncode if self.server else None

    def kill(self):
        self.server.kill()
        self.server.wait(timeout=60)

    def close(self):
        with contextlib.suppress(Exception):
            self.stop()
        if self.server and self.server.poll() is None:
            self.kill()
        try:
            self.check_records()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def check_records(self):
        """Holds each record that the server wrote against its published schema, unless the test left a damaged log."""
        if self.damaged or not (self.data / "db" / "CURRENT").exists():
            return
        exported = subprocess.run(
            [BINARY, "log", "export", "--data", str(self.data)], capture_output=True, timeout=60, stdin=subprocess.DEVNULL
        )
        assert exported.returncode == 0, exported.stderr.decode()[-4000:]
        checked = subprocess.run([CHECK_RECORDS], input=exported.stdout, capture_output=True, timeout=60)
        assert checked.returncode == 0, checked.stderr.decode()[-4000:]

    @property
    def token(self):
        return (self.data / "admin.token").read_text().strip()

    def http(self, method, path, body=None, token="admin", headers=None, raw=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + (self.token if token == "admin" else token))
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, data=data, timeout=30) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def cli(self, *arguments, token=None, timeout=60, stdin=subprocess.DEVNULL):
        environment = {
            "PATH": os.environ["PATH"],
            "HEADGATE_SERVER": f"http://127.0.0.1:{self.port}",
            "HEADGATE_TOKEN": token or (self.token if (self.data / "admin.token").exists() else ""),
        }
        return subprocess.run(
            [BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=timeout, stdin=stdin
        )

    def target(self):
        return self.http("GET", "/v1/targets/greeter/staging").json

    def current(self):
        current = self.target().get("current")  # not there before the first configuration is in force
        return current["version"] if current else None

    def looked(self):
        """Whether a look at the environments repository has come to its end since the start."""
        counted = b'headgate_reconcile_seconds_count{repository="environments"} '
        return re.search(re.escape(counted) + rb"[1-9]", self.http("GET", "/metrics").body)

    def events(self, type_glob):
        """All of them, page by page."""
        events = []
        while True:
            after = f"&after={events[-1]['id']}" if events else ""
            path = f"/v1/events?type={type_glob}&limit=500{after}"
            answer = self.http("GET", path, headers={"Accept": "application/x-ndjson"})
            assert answer.status == 200, answer.body
            page = [json.loads(line) for line in answer.body.decode().splitlines() if line]
            events += page
            if len(page) < 500:
                return events
