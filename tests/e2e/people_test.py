"""A person is erased: the log stays whole and provable, and no file of the data directory holds their name any more."""

import pathlib
import sys
import unittest

from world import World, eventually

ALICE = {
    "name": "alice",
    "author": "Alice Liddell",
    "email": "alice@wonderland.example",
    "oidc": "https://issuer.example.com#a1b2c3",
    "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIWonderlandAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}

POLICY = """\
apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {{name: access}}
spec:
  people: {{{people}}}
  teams: {{crew: {{members: [{members}]}}}}
  grants:
    - {{team: crew, role: operator, environments: ["*"]}}
"""


def holders(data, texts):
    """Files outside the clone that hold one of the texts, in whatever case of ASCII."""
    found = []
    for file in pathlib.Path(data).rglob("*"):
        if file.is_file() and "repositories" not in file.relative_to(data).parts:
            content = file.read_bytes().lower()
            found += [(str(file), text) for text in texts if text.lower().encode() in content]
    return found


class ErasingAPerson(unittest.TestCase):
    def setUp(self):
        self.world = World()

    def tearDown(self):
        self.world.close()

    def policy(self, *people):
        entries = {
            "alice": f'alice: {{emails: [{ALICE["email"]}], oidc: ["{ALICE["oidc"]}"], tokens: [alice-laptop], signingKeys: ["{ALICE["key"]}"]}}',
            "bob": "bob: {emails: [bob@example.com]}",
        }
        text = POLICY.format(people=", ".join(entries[p] for p in people), members=", ".join(people))
        self.world.write("access.yaml", text)

    def push_as_alice(self, message):
        self.world.git("add", "--all")
        self.world.git("commit", "--quiet", f'--author={ALICE["author"]} <{ALICE["email"]}>', "-m", message)
        self.world.git("push", "--quiet", "origin", "main")

    def test_nothing_is_left_but_the_facts(self):
        world = self.world
        world.hooks()
        world.documents()
        world.wish("v1")
        self.policy("alice", "bob")
        self.push_as_alice("the first documents")
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs")
        created = world.cli("token", "create", "alice-laptop")
        self.assertEqual(created.returncode, 0, created.stderr)
        token = created.stdout.strip()
        self.assertEqual(world.http("GET", "/v1/targets", token=token).status, 200)
        world.wish("v2")
        self.push_as_alice("v2, please")
        eventually(lambda: world.current() == "v2", "v2 runs")

        people = {p["name"]: p for p in world.http("GET", "/v1/people?limit=500").json["people"]}
        alice = people["alice"]["id"]
        self.assertIn(ALICE["email"], people["alice"]["emails"])
        self.assertIn(alice, world.cli("people", "list").stdout)
        refused = world.cli("people", "erase", alice, "--yes")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("AccessPolicy", refused.stderr)

        self.policy("bob")
        sha = world.push("somebody leaves")
        eventually(lambda: world.http("GET", "/v1/configuration").json["commit"] == sha, "the policy is in force")
        commit = next(e for e in world.events("commit.observed") if e["data"]["author"] == alice)
        eventually(lambda: world.http("GET", f"/v1/events/{commit['id']}/proof").status == 200, "its record is covered")
        record = world.http("GET", f"/v1/events/{commit['id']}").body
        everybody = (ALICE["name"], ALICE["author"], ALICE["email"], ALICE["oidc"], "Wonderland")
        self.assertTrue(holders(world.data, everybody))

        erased = world.cli("people", "erase", alice, "--yes")
        self.assertEqual(erased.returncode, 0, erased.stderr)
        self.assertEqual([e["subject"] for e in world.events("person.erased")], [alice])
        self.assertNotIn(alice, world.cli("people", "list").stdout)
        self.assertEqual(world.http("GET", "/v1/targets", token=token).status, 401)
        self.assertEqual(world.http("GET", f"/v1/events/{commit['id']}").body, record)
        self.assertEqual(holders(world.data, everybody), [])

        verified = world.cli("log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertEqual(world.stop(), 0)
        self.assertEqual(holders(world.data, everybody), [])
        verified = world.cli("log", "verify", "--data", str(world.data))
        self.assertEqual(verified.returncode, 0, verified.stderr)
        world.start()
        again = world.cli("people", "erase", alice, "--yes")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(len(world.events("person.erased")), 1)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
