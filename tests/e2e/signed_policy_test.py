"""Changes of the policy that an allowed signer must have signed: with keys of ssh-keygen, over git push."""

import subprocess
import unittest

from world import World, eventually

POLICY = """\
# Who is who.
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


class SignedPolicy(unittest.TestCase):
    def setUp(self):
        self.world = world = World()
        self.addCleanup(world.close)
        for name in ("release", "mallory"):
            made = subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(world.root / name)], timeout=60
            )
            self.assertEqual(made.returncode, 0)
        key = (world.root / "release.pub").read_text().strip()
        (world.root / "allowed_signers").write_text(f'# the policy\nrelease@example.com namespaces="git" {key}\n')
        world.write_config("governance: {approvals: [{team: platform, count: 1}], signedBy: allowed_signers}\n")
        world.hooks()
        world.documents()
        world.write("policies/access.yaml", POLICY)

    def push(self, message, key=None):
        world = self.world
        by = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={world.root / key}.pub"] if key else []
        world.git("add", "--all")
        world.git(*by, "commit", "--quiet", "--allow-empty", *(["-S"] if key else []), "-m", message)
        world.git("push", "--quiet", "--force", "origin", "main")
        return world.git("rev-parse", "HEAD")

    def configuration(self):
        return self.world.http("GET", "/v1/configuration").json

    def rejected(self, commit):
        """The diagnostic of it, once it is there."""

        def told():
            rejected = self.configuration()["rejected"]
            return rejected if rejected and rejected["commit"] == commit else None

        diagnostics = eventually(told, f"{commit} is rejected")["diagnostics"]
        self.assertEqual(len(diagnostics), 1)
        return diagnostics[0]

    def approved(self, commit, token=None):
        proposal = lambda: self.configuration()["proposal"]
        eventually(lambda: proposal() and proposal()["commit"] == commit, f"{commit} is proposed")
        done = self.world.cli("config", "approve", "--yes", token=token)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.in_force(commit)

    def in_force(self, commit):
        eventually(lambda: self.configuration()["commit"] == commit, f"{commit} is in force")

    def again_from(self, commit):
        self.world.git("reset", "--quiet", "--hard", commit)

    def test_only_an_allowed_signer_changes_the_policy_and_anybody_a_wish(self):
        world = self.world
        world.wish("v1")
        unsigned = self.push("first, unsigned")
        world.start()
        refused = self.rejected(unsigned)
        self.assertIn("the commit is not signed", refused["message"])
        self.assertEqual(self.configuration()["commit"], "")
        good = self.push("first", "release")
        self.approved(good)
        eventually(lambda: world.current() == "v1", "v1 runs")
        created = world.cli("token", "create", "alice-laptop")
        self.assertEqual(created.returncode, 0, created.stderr)
        alice = created.stdout.strip()

        # Of the Environment: unsigned, then by a key that is nobody's. The reason is told with its place.
        environment = world.tree / "environments/staging.yaml"
        slower = environment.read_text().replace("observeEvery: 1s", "observeEvery: 2s")
        environment.write_text("# observed less often\n" + slower)
        unsigned = self.push("slower, unsigned")
        refused = self.rejected(unsigned)
        self.assertEqual((refused["file"], refused["line"]), ("environments/staging.yaml", 2))
        self.assertIn(f"Environment/staging changes, and commit {unsigned[:12]} is not signed by", refused["message"])
        shown = world.cli("config", "status").stdout
        self.assertIn("environments/staging.yaml:2:1: Environment", shown)
        self.assertEqual(self.configuration()["commit"], good)

        self.again_from(good)
        access = world.tree / "policies/access.yaml"
        access.write_text(POLICY.replace("[dev, alice]", "[dev, alice, mallory]").replace(
            "  teams:", "    mallory: {emails: [mallory@example.com]}\n  teams:"))
        foreign = self.push("one more of us", "mallory")
        refused = self.rejected(foreign)
        self.assertEqual((refused["file"], refused["line"]), ("policies/access.yaml", 2))
        self.assertIn("AccessPolicy/access changes", refused["message"])
        self.assertIn("the key is none of theirs (SHA256:", refused["message"])
        staged = len(world.events("document.accepted"))
        world.kill()
        world.start()
        eventually(world.looked, "the commit was looked at again")
        self.assertEqual(self.configuration()["commit"], good)
        self.assertEqual(self.rejected(foreign), refused)
        self.assertEqual(len(world.events("document.accepted")), staged)

        # What asks for nothing of the policy needs no signature.
        self.again_from(good)
        world.wish("v2")
        self.in_force(self.push("v2"))
        eventually(lambda: world.current() == "v2", "v2 runs")

        environment.write_text(slower)
        signed = self.push("slower", "release")
        self.approved(signed, alice)
        self.assertIsNone(self.configuration()["rejected"])
        self.assertEqual(len(world.events("configuration.rejected")), 3)

    def test_a_commit_is_judged_again_when_its_signer_is_allowed_at_last(self):
        world = self.world
        world.wish("v1")
        foreign = self.push("first", "mallory")
        world.start()
        self.assertIn("the key is none of theirs", self.rejected(foreign)["message"])
        signers = world.root / "allowed_signers"
        key = (world.root / "mallory.pub").read_text().strip()
        signers.write_text(signers.read_text() + f'mallory@example.com namespaces="git" {key}\n')
        world.stop()
        world.start()
        self.approved(foreign)
        self.assertIsNone(self.configuration()["rejected"])


if __name__ == "__main__":
    unittest.main()
