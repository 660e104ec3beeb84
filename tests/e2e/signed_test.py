"""Commits that must be signed, authors who may not approve, and why a promotion waits: with keys of ssh-keygen and gpg."""

import json
import os
import pty
import subprocess
import sys
import unittest

from world import GIT_ENVIRONMENT, World, eventually

POLICY = """\
apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {{name: access}}
spec:
  people:
    alice: {{emails: [alice@example.com], tokens: [alice], signingKeys: ["{alice}"]}}
    bob:
      emails: [bob@example.com]
      tokens: [bob]
      signingKeys:
        - |
{bob}
    carol: {{emails: [carol@example.com], tokens: [carol]}}
  teams:
    crew: {{members: [alice, bob, carol]}}
  grants:
    - {{team: crew, role: approver, environments: ["*"]}}
    - {{team: crew, role: auditor}}
"""
PROTECTED = "protection: {approvals: [{team: crew, count: 1}], unknownAuthors: extraApproval}"
UNTOLD = "protection: {approvals: [{team: crew, count: 1}]}"


class SignedCommits(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.gnupg = self.world.root / "gnupg"
        self.gnupg.mkdir(mode=0o700)
        self.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.world.root / "alice"))
        self.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.world.root / "mallory"))
        self.gpg("--passphrase", "", "--quick-gen-key", "Bob <bob@example.com>", "ed25519", "sign", "never")

    def tearDown(self):
        self.world.close()
        subprocess.run(["gpgconf", "--homedir", str(self.gnupg), "--kill", "all"], check=False)

    def tool(self, *arguments):
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def gpg(self, *arguments):
        return self.tool("gpg", "--batch", "--quiet", "--homedir", str(self.gnupg), *arguments)

    def policy(self):
        block = self.gpg("--armor", "--export-options", "export-minimal", "--export", "bob@example.com")
        indented = "".join(f"          {line}\n" for line in block.splitlines())
        key = (self.world.root / "alice.pub").read_text().strip()
        self.world.write("access.yaml", POLICY.format(alice=key, bob=indented.rstrip("\n")))

    def code(self, author, *options, signed=True):
        """A commit of the service's code, beside the documents."""
        world = self.world
        number = int(world.git("rev-list", "--count", "HEAD")) if world.git("branch", "--list", "main") else 0
        world.write("code.txt", f"line {number}\n")
        world.git("add", "--all")
        environment = {**GIT_ENVIRONMENT, "GNUPGHOME": str(self.gnupg)}
        for who in ("AUTHOR", "COMMITTER"):
            environment[f"GIT_{who}_NAME"] = author.title()
            environment[f"GIT_{who}_EMAIL"] = f"{author}@example.com"
        done = subprocess.run(
            ["git", *options, "commit", "--quiet", *(["-S"] if signed else []), "-m", f"code of {author}"],
            cwd=world.tree,
            env=environment,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return world.git("rev-parse", "HEAD")

    def by_ssh(self, author, key):
        key = str(self.world.root / f"{key}.pub")
        return self.code(author, "-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")

    def explain(self, number, *more):
        done = self.world.cli("explain", f"greeter/staging/{number}", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def told(self, number, text):
        explained = lambda: self.world.cli("explain", f"greeter/staging/{number}").stdout  # nothing before it is planned
        eventually(lambda: text in explained(), f"{text!r} of {number}")

    def wish(self, version, commit, pushed_by="alice"):
        self.world.wish(version, commit)
        self.world.git("add", "--all")
        self.world.git(
            *("-c", f"user.name={pushed_by}", "-c", f"user.email={pushed_by}@example.com"),
            *("commit", "--quiet", "-m", f"wish {version}", f"--author={pushed_by} <{pushed_by}@example.com>"),
        )
        self.world.git("push", "--quiet", "origin", "main")

    def documents(self, protection):
        self.world.documents(protection=protection)
        service = self.world.tree / "services/greeter.yaml"
        service.write_text(service.read_text().replace("requires: {gates: []}", "requires: {signedCommit: true}"))

    def test_only_what_somebody_known_signed_comes_through(self):
        world = self.world
        world.hooks()
        self.documents("")
        self.policy()
        good = self.by_ssh("alice", "alice")
        self.wish("v1", good)
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs")
        self.wish("v2", self.code("alice", signed=False))
        self.told(1 + 1, "has no good signature: the commit is not signed")
        self.wish("v3", self.by_ssh("alice", "mallory"))
        self.told(3, "has no good signature: the key is nobody's in the AccessPolicy (SHA256:")
        self.assertIn("rule: services/greeter.yaml:8 at ", self.explain(3))
        self.wish("v4", self.code("bob", "-c", "user.signingkey=bob@example.com"))
        eventually(lambda: world.current() == "v4", "v4 runs, signed by OpenPGP")
        verdicts = [(e["data"]["verdict"], e["correlation"]) for e in world.events("commit.verified")]
        self.assertIn(("good", good), verdicts)
        self.assertEqual({v for v, _ in verdicts}, {"good", "unsigned", "unknownKey"})
        # No key and no address in a record.
        key = (world.root / "alice.pub").read_text().split()[1]
        log = subprocess.run(
            ["grep", "-c", key, "-"], input=json.dumps(world.events("*")), capture_output=True, text=True
        )
        self.assertEqual(log.stdout.strip(), "0")

    def test_authors_may_not_approve_and_strangers_ask_for_one_more(self):
        world = self.world
        world.hooks()
        world.documents()
        self.policy()
        self.wish("v1", self.code("alice", signed=False), "bob")
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs")
        tokens = {}
        for name in ("alice", "bob", "carol"):
            created = world.cli("token", "create", name)
            self.assertEqual(created.returncode, 0, created.stderr)
            tokens[name] = created.stdout.strip()
        world.documents(protection=PROTECTED)
        self.code("mallory", signed=False)
        self.wish("v2", self.code("alice", signed=False), "bob")
        self.told(2, "one more approval of crew: 0 given; since the AccessPolicy does not know ")
        self.told(2, "carol can give it")
        waiting = world.http("GET", "/v1/promotions/greeter/staging/2").json
        before = world.events("*")[-1]["id"]
        for name in ("alice", "bob"):  # whose code is inside, who wished it
            refused = world.cli("approve", "greeter/staging/2", "--yes", token=tokens[name])
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("your own work", refused.stderr)
        # What is asked is shown to the person; what is printed is the answer alone.
        terminal, stdin = pty.openpty()
        os.write(terminal, b"y\n")
        given = world.cli("approve", "greeter/staging/2", "-o", "json", token=tokens["carol"], stdin=stdin)
        self.assertEqual(given.returncode, 0, given.stderr)
        for text in ("v1 -> v2", waiting["plan_digest"], "Approve this plan? [y/N]"):
            self.assertIn(text, given.stderr)
        self.assertEqual(json.loads(given.stdout)["plan_digest"], waiting["plan_digest"])
        self.assertIn("1 approval of crew: 1 given by carol", self.explain(2))
        self.assertIn("1 approval of crew: 0 given", self.explain(2, "--at", before))
        self.assertIn("nobody of crew can give it", self.explain(2))
        attributed = eventually(lambda: world.events("promotion.attributed"), "whose work it is")[-1]
        self.assertEqual(attributed["data"]["to"], waiting["to"]["commit"])
        self.assertTrue(attributed["data"]["known"])
        world.documents(protection=UNTOLD)
        world.push("less is asked for")
        eventually(lambda: world.http("GET", "/v1/promotions/greeter/staging/2").json["phase"] == "superseded", "a new plan")
        early = world.cli("explain", "greeter/staging/3", "--at", before)
        self.assertIn("was not planned yet", early.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
