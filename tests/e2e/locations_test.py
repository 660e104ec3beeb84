"""Several locations over real processes: waves, one that fails, standby on demand."""

import textwrap
import unittest

from world import World, eventually

DEPLOY = """\
#!/bin/sh
set -eu
test "$2" = "$HEADGATE_LOCATION"
mkdir -p "$1/$2"
echo "$HEADGATE_RELEASE_VERSION" > "$1/$2/running"
echo "$HEADGATE_LOCATION $HEADGATE_RELEASE_VERSION" >> "$1/deploys"
echo '{}'
"""
OBSERVE = """\
#!/bin/sh
set -eu
test "$2" = "$HEADGATE_LOCATION"
if [ -f "$1/$2/running" ]; then
  printf '{"version":"%s"}\\n' "$(cat "$1/$2/running")"
else
  echo '{"version":null}'
fi
"""
# What is bad fails in the second wave alone.
VERIFY = """\
#!/bin/sh
set -eu
case "$2 $(cat "$1/$2/running")" in
  "us "*bad*) echo "bad release" >&2; exit 1 ;;
esac
echo '{}'
"""


class Locations(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        place = self.world.place
        for name, text in {"deploy": DEPLOY, "observe": OBSERVE, "verify": VERIFY}.items():
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
                      verify: [{{name: smoke, run: {{command: [hooks/verify.sh, "{place}", "${{location}}"]}}, attempts: 1}}]
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
                      deploy: [hooks/deploy.sh, "{place}", "${{location}}"]
                      observe: [hooks/observe.sh, "{place}", "${{location}}"]
                  locations: [{{name: eu, wave: 1}}, {{name: us, wave: 2}}, {{name: ap, standby: true}}]
                  onLocationFailure: rollbackLocation
                  observeEvery: 1s
                """
            ),
        )

    def deploys(self):
        return (self.world.place / "deploys").read_text().split("\n")[:-1]

    def location(self, name):
        return next(location for location in self.world.target()["locations"] if location["name"] == name)

    def test_waves_a_location_that_fails_and_standby(self):
        self.world.wish("v1")
        self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "v1 runs")
        self.assertEqual(self.deploys(), ["eu v1", "us v1"])

        done = self.world.cli("promote", "greeter", "--to", "staging", "--release", "v1", "--location", "ap", "--wait")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.deploys()[2:], ["ap v1"])
        self.assertEqual(self.location("ap")["current"]["version"], "v1")

        self.world.wish("v2-bad")
        self.world.push("second")
        eventually(lambda: self.world.events("promotion.failed"), "the promotion failed")
        self.assertEqual(self.deploys()[3:], ["eu v2-bad", "us v2-bad", "us v1"])
        self.assertEqual(self.world.current(), "v1")
        self.assertTrue(self.location("us")["drift"])
        self.assertFalse(self.location("eu")["drift"])
        self.assertIn("location us", self.world.events("incident.opened")[0]["data"]["reason"])
        shown = self.world.cli("get", "targets")
        self.assertRegex(shown.stdout, r"greeter/staging/us +v2-bad +v1 +v1 +drifted")
        self.assertRegex(shown.stdout, r"greeter/staging/ap +- +v1 +v1 +standby")

        self.world.wish("v3")
        self.world.push("third")
        eventually(lambda: self.world.current() == "v3", "v3 runs")
        self.assertEqual(self.deploys()[6:], ["eu v3", "us v3"])
        self.assertFalse(self.location("us")["drift"])
        verified = self.world.cli("log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)


if __name__ == "__main__":
    unittest.main()
