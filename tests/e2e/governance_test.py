"""Governance of the policy, mass removals, retirement and renames: git push, HTTP and the command line, with SIGKILL
between what is proposed and what is approved."""

import textwrap
import unittest

from world import World, eventually

POLICY = """\
apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {name: access}
spec:
  people:
    dev: {emails: [dev@example.com], tokens: [dev-laptop]}
    alice: {emails: [alice@example.com], tokens: [alice-laptop]}
  teams:
    platform: {members: [dev, alice]}
  grants:
    - {team: platform, role: approver, environments: ["*"]}
"""
GOVERNANCE = "governance: {approvals: [{team: platform, count: 1}]}\n"
RETIRE = """\
#!/bin/sh
set -eu
rm "$1/running"
echo '{"retired":true}'
"""


def target(service, environment, version, more=""):
    return textwrap.dedent(
        f"""\
        apiVersion: headgate.dev/v1
        kind: Target
        metadata: {{name: {service}.{environment}}}
        spec:
          service: {service}
          environment: {environment}
          release: {{version: {version}, commit: {"%040x" % sum(version.encode())}}}
        """
    ) + more


class Governance(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def configuration(self):
        return self.world.http("GET", "/v1/configuration").json

    def proposal(self, commit):
        def waits():
            proposal = self.configuration()["proposal"]
            return proposal if proposal and proposal["commit"] == commit else None

        return eventually(waits, f"commit {commit} is proposed")

    def restart(self):
        self.world.kill()
        self.world.start()

    def test_a_change_of_the_policy_waits_for_its_approvals(self):
        w = self.world
        w.write_config(GOVERNANCE)
        w.hooks()
        w.documents()
        w.wish("v1")
        w.write("policies/access.yaml", POLICY)
        first = w.push("first")
        w.start()
        proposal = self.proposal(first)
        self.assertEqual(self.configuration()["commit"], "")
        self.restart()  # by SIGKILL: what is proposed stays so, and nothing of it is in force
        self.assertEqual(self.proposal(first)["digest"], proposal["digest"])
        approve = f"/v1/configuration/{proposal['digest']}/approve"
        answer = w.http("POST", approve, {})
        self.assertEqual((answer.status, answer.json["in_force"]), (200, True), answer.body)
        eventually(lambda: w.running() == "v1", "v1 is deployed")
        tokens = {name: w.cli("token", "create", f"{name}-laptop").stdout.strip() for name in ("dev", "alice")}

        w.documents(protection="protection: {wait: 1h}")
        stricter = w.push("a wait")
        w.documents()
        w.write("services/greeter.yaml", (w.tree / "services/greeter.yaml").read_text().replace("10s", "11s"))
        w.wish("v2")
        second = w.push("another check, and v2")
        proposal = self.proposal(second)
        self.assertIn("changes Service/greeter", proposal["text"])
        self.assertIn("1 approval of platform: 0 given", proposal["conditions"][0]["text"])
        self.assertEqual(self.configuration()["commit"], first)
        self.assertIn("waits with a configuration", str(w.target()["waiting_for"]))
        self.assertIn("WAITS FOR APPROVAL", w.cli("status").stdout)
        self.assertIn("headgate_configuration_proposed 1", w.http("GET", "/metrics").body.decode())
        own = w.http("POST", f"/v1/configuration/{proposal['digest']}/approve", {}, token=tokens["dev"])
        self.assertEqual(own.status, 403, own.body)
        self.assertIn("your own work", own.json["detail"])
        self.assertEqual(w.http("POST", "/v1/configuration/sha256:0/approve", {}, token=tokens["alice"]).status, 409)
        self.restart()
        self.assertEqual(w.running(), "v1")
        unasked = w.cli("config", "approve", token=tokens["alice"])  # without a terminal nobody can be asked
        self.assertEqual((unasked.returncode, "--yes" in unasked.stderr), (2, True), unasked.stderr)
        self.assertIn("changes Service/greeter", unasked.stderr)
        approved = w.cli("config", "approve", "--yes", "--comment", "looked at it", token=tokens["alice"])
        self.assertEqual(approved.returncode, 0, approved.stderr)
        self.assertIn("is in force", approved.stdout)
        eventually(lambda: w.running() == "v2", "v2 is deployed")
        self.assertEqual(self.configuration()["commit"], second)
        self.restart()
        self.assertEqual(self.configuration()["commit"], second)
        approved = [event["data"].get("team", "") for event in w.events("configuration.approved")]
        self.assertEqual(approved, ["", "platform"])  # the first one by the administrator
        proposed = [e["correlation"] for e in w.events("configuration.proposed")]
        self.assertIn(proposed, ([first, second], [first, stricter, second]))

        w.documents(protection="protection: {wait: 2h}")
        shown = w.cli("diff", str(w.tree))
        self.assertEqual(shown.returncode, 1, shown.stdout)
        self.assertIn("would wait for approval: a change of the policy takes approvals: 1 of team platform", shown.stderr)
        third = w.push("a longer wait")
        self.proposal(third)
        declined = w.cli("config", "reject", "--comment", "too long", token=tokens["alice"])
        self.assertEqual(declined.returncode, 0, declined.stderr)
        w.http("POST", "/v1/repositories/environments/sync")
        self.restart()
        self.assertEqual(self.configuration()["declined"]["comment"], "too long")
        self.assertIsNone(self.configuration()["proposal"])
        w.wish("v3")  # the longer wait is still in the tree, so that the next commit is a change of the policy too
        self.proposal(w.push("v3"))
        self.assertEqual(w.running(), "v2")

    def governed(self):
        w = self.world
        w.write_config(GOVERNANCE)
        w.hooks()
        w.documents()
        w.write("policies/access.yaml", POLICY)
        first = w.push("first")
        w.start()
        w.http("POST", f"/v1/configuration/{self.proposal(first)['digest']}/approve", {})
        eventually(lambda: self.configuration()["commit"] == first, "the first configuration is in force")
        return first

    def test_nobody_hides_their_work_below_many_commits(self):
        w = self.world
        self.governed()
        token = w.cli("token", "create", "dev-laptop").stdout.strip()
        w.documents(protection="protection: {wait: 1h}")
        w.git("add", "--all")
        w.git("commit", "--quiet", "-m", "a wait")
        bot = "GIT_AUTHOR_EMAIL=bot@example.com GIT_COMMITTER_EMAIL=bot@example.com git commit --quiet --allow-empty"
        w.git("-c", f"alias.many=!for i in $(seq 250); do {bot} -m $i; done", "many")
        w.git("push", "--quiet", "origin", "main")
        proposal = self.proposal(w.git("rev-parse", "HEAD"))
        own = w.http("POST", f"/v1/configuration/{proposal['digest']}/approve", {}, token=token)
        self.assertEqual(own.status, 403, own.body)
        self.assertIn("your own work", own.json["detail"])
        self.assertEqual(len(w.events("commit.observed")), 1 + 251)

    def test_an_address_that_somebody_gains_is_a_change_of_the_policy(self):
        w = self.world
        first = self.governed()
        w.write("policies/access.yaml", POLICY.replace("[alice@", "[ghost@example.com, alice@"))
        self.assertIn("changes AccessPolicy/access", self.proposal(w.push("one more address"))["text"])
        self.assertEqual(self.configuration()["commit"], first)
        people = w.http("GET", "/v1/people?limit=500").json["people"]
        alice = next(person for person in people if person["name"] == "alice")
        self.assertNotIn("ghost@example.com", alice["emails"])

    def two_targets(self):
        w = self.world
        w.hooks()
        w.write("hooks/retire.sh", RETIRE, executable=True)
        w.documents()
        place = w.tree / "environments/staging.yaml"
        w.write(
            "environments/staging.yaml",
            place.read_text().replace(
                "      observe:", f'      retire: [hooks/retire.sh, "{w.place}"]\n      observe:'
            ),
        )
        other = (w.tree / "services/greeter.yaml").read_text().replace("greeter", "other")
        w.write("services/other.yaml", other)
        w.write("targets/greeter.yaml", target("greeter", "staging", "v1"))
        w.write("targets/other.yaml", target("other", "staging", "v1"))
        w.push("first")
        w.start()
        for service in ("greeter", "other"):
            eventually(lambda: self.current(service) == "v1", f"v1 of {service} runs")

    def current(self, service, environment="staging"):
        answer = self.world.http("GET", f"/v1/targets/{service}/{environment}")
        current = answer.json.get("current") if answer.status == 200 else None
        return current["version"] if current else None

    def test_removing_many_targets_waits_for_an_operator(self):
        w = self.world
        self.two_targets()
        for service in ("greeter", "other"):
            (w.tree / f"targets/{service}.yaml").unlink()
        proposal = self.proposal(w.push("remove them"))
        self.assertEqual(proposal["text"], "removes 2 of 2 targets: greeter/staging, other/staging")
        self.restart()
        self.assertFalse(w.http("GET", "/v1/targets/greeter/staging").json["orphaned"])
        w.write("targets/greeter.yaml", target("greeter", "staging", "v1"))
        restored = w.push("restore one")
        eventually(lambda: self.configuration()["commit"] == restored, "the commit that removes one is in force")
        self.assertTrue(w.http("GET", "/v1/targets/other/staging").json["orphaned"])
        self.assertIn("orphaned", w.cli("status", "other").stdout)
        self.assertEqual(len(w.events("configuration.superseded")), 1)
        promote = w.cli("promote", "other", "--to", "staging", "--release", "v1")
        self.assertEqual(promote.returncode, 1, promote.stdout)

    def test_a_target_is_retired_for_real(self):
        w = self.world
        self.two_targets()
        w.write("targets/greeter.yaml", target("greeter", "staging", "v1", "  onDelete: retire\n"))
        kept = w.push("to be retired")
        eventually(lambda: self.configuration()["commit"] == kept, "the wish is in force")
        (w.tree / "targets/greeter.yaml").unlink()
        w.push("away with it")
        eventually(lambda: w.events("target.retired"), "the target is retired")
        self.assertIsNone(w.running())
        self.assertIsNone(self.current("greeter"))
        explained = w.cli("explain", "greeter/staging/2")
        self.assertIn("succeeded", explained.stdout, explained.stderr)

    def test_a_renamed_environment_deploys_nothing(self):
        w = self.world
        self.two_targets()
        deploys = (w.place / "deploys").read_text()
        for file in ("services/greeter.yaml", "services/other.yaml", "environments/staging.yaml"):
            w.write(file, (w.tree / file).read_text().replace("staging", "live"))
        place = w.tree / "environments/staging.yaml"
        both = place.read_text()
        w.write("environments/staging.yaml", both.replace("{name: live}", "{name: live, formerly: staging}"))
        for service in ("greeter", "other"):
            w.write(f"targets/{service}.yaml", target(service, "live", "v1"))
        told = w.cli("diff", str(w.tree))
        self.assertEqual(told.returncode, 1, told.stderr)
        self.assertNotIn("would wait", told.stderr, "no target goes that does not live on")
        self.assertRegex(told.stdout, r"renamed +Target +greeter.live \(was greeter.staging\) +- +nothing: it runs")
        self.assertRegex(told.stdout, r"renamed +Environment +live \(was staging\)")
        self.assertNotIn("removed", told.stdout)
        w.push("staging is called live")
        eventually(lambda: len(w.events("target.renamed")) == 2, "both targets are renamed")
        self.assertEqual(self.current("greeter", "live"), "v1")
        self.assertEqual((w.place / "deploys").read_text(), deploys)
        w.write("targets/greeter.yaml", target("greeter", "live", "v2"))
        w.push("v2")
        eventually(lambda: self.current("greeter", "live") == "v2", "v2 runs under the new name")
        self.assertEqual(w.events("target.orphaned"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
