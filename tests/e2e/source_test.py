"""A service's own repository, followed for real: branches and tags lead to promotions, by path."""

import unittest

from world import World, eventually

SERVICE = """\
apiVersion: headgate.dev/v1
kind: Service
metadata: {{name: greeter}}
spec:
  source: {{repository: monorepo, paths: ["greeter/**"]}}
  gates: [{{name: tests}}]
  stages:
    - environment: staging
      trigger: {{branch: main}}
      requires: {{gates: [tests]}}
    - environment: production
      trigger: {{tag: "v*.*.*"}}
      requires: {{healthy: [staging], gates: [tests]}}
      protection: {{approvals: [{{team: managers, count: 1}}]}}
"""
POLICY = """\
apiVersion: headgate.dev/v1
kind: AccessPolicy
metadata: {name: access}
spec:
  people: {carol: {tokens: [carol-laptop]}}
  teams: {managers: {members: [carol]}}
  grants:
    - {team: managers, role: approver, environments: ["*"]}
"""
ENVIRONMENT = """\
apiVersion: headgate.dev/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  driver: {{command: {{deploy: [hooks/deploy.sh, "{place}"], observe: [hooks/observe.sh, "{place}"]}}}}
  observeEvery: 1s
"""


class Sources(unittest.TestCase):
    def setUp(self):
        self.world = world = World()
        self.source = world.root / "monorepo"
        self.source.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", ".")
        world.config.write_text(
            world.config.read_text().replace(
                "commands:",
                f'  - {{name: monorepo, url: "{self.source}", role: source, branches: [main, work], tags: ["v*"], poll: 1s}}\n'
                "commands:",
            )
        )
        world.hooks()
        world.write("services/greeter.yaml", SERVICE.format())
        world.write("access.yaml", POLICY)
        for name in ("staging", "production"):
            (world.place / name).mkdir()
            world.write(f"environments/{name}.yaml", ENVIRONMENT.format(name=name, place=world.place / name))
        self.commit("greeter/main.txt", "1")
        world.push("the first documents")
        world.start()

    def tearDown(self):
        self.world.close()

    def git(self, *arguments):
        return self.world.git(*arguments, cwd=self.source)

    def commit(self, path, text):
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", f"change {path}")
        return self.git("rev-parse", "HEAD")

    def target(self, environment):
        return self.world.http("GET", f"/v1/targets/greeter/{environment}").json

    def current(self, environment):
        current = self.target(environment).get("current")
        return current["version"] if current else None

    def report(self, commit):
        body = {"service": "greeter", "commit": commit, "gate": "tests", "status": "passed"}
        eventually(lambda: self.world.http("POST", "/v1/gates", body).status < 300, "the gate is reported")

    def planned(self):
        return [(e["subject"], e["data"]["to"]["release"]["version"]) for e in self.world.events("promotion.planned")]

    def test_the_head_of_a_source_is_known_after_a_restart(self):
        def head():
            rows = self.world.http("GET", "/v1/repositories").json["repositories"]
            return next(row["head"] for row in rows if row["name"] == "monorepo")

        commit = self.git("rev-parse", "HEAD")
        eventually(lambda: head() == commit, "the first commit was seen")
        self.world.stop()
        self.world.start()
        eventually(lambda: head() == commit, "it is known again")

    def test_a_branch_leads_to_staging_and_a_tag_to_an_approval(self):
        world = self.world
        first = self.git("rev-parse", "HEAD")
        eventually(lambda: ("greeter/staging/1", first[:12]) in self.planned(), "the commit is planned for staging")
        self.report(first)
        eventually(lambda: self.current("staging") == first[:12], "the commit runs in staging")
        page = world.http("GET", "/metrics").body.decode()
        for repository in ("environments", "monorepo"):
            self.assertIn(f'headgate_reconcile_seconds_count{{repository="{repository}"}}', page)

        # Elsewhere in the repository: none. What comes after it shows that it was looked at.
        self.commit("docs/readme.txt", "nothing of the service")
        second = self.commit("greeter/main.txt", "2")
        eventually(lambda: ("greeter/staging/2", second[:12]) in self.planned(), "the second commit is planned")
        self.assertEqual(len(self.planned()), 2)
        self.report(second)
        eventually(lambda: self.current("staging") == second[:12], "the second commit runs in staging")
        docs = self.commit("docs/readme.txt", "again")
        eventually(
            lambda: any(e["correlation"] == docs for e in world.events("commit.observed")), "the push was observed"
        )
        self.assertEqual(len(self.planned()), 2)

        # The tag stands at a commit that touched only documentation: what is under the paths is what staging verified.
        self.git("tag", "-a", "v1.0.0", "-m", "first")
        promotion = "greeter/production/1"
        eventually(lambda: (promotion, "v1.0.0") in self.planned(), "the tag is planned for production")
        eventually(lambda: world.events("approval.requested"), "production waits for an approval")
        self.assertIsNone(self.current("production"))
        created = world.cli("token", "create", "carol-laptop")
        self.assertEqual(created.returncode, 0, created.stderr)
        digest = world.http("GET", f"/v1/promotions/{promotion}").json["plan_digest"]
        approved = world.http(
            "POST", f"/v1/promotions/{promotion}/approve", {"plan_digest": digest}, token=created.stdout.strip()
        )
        self.assertLess(approved.status, 300, approved.body)
        eventually(lambda: self.current("production") == "v1.0.0", "the tag runs in production")

    def test_a_report_for_a_branch_counts_for_what_was_squashed_from_it(self):
        first = self.git("rev-parse", "HEAD")
        self.report(first)
        eventually(lambda: self.current("staging") == first[:12], "the commit runs in staging")
        self.git("checkout", "--quiet", "-b", "work")
        reviewed = self.commit("greeter/main.txt", "2")
        self.report(reviewed)
        self.git("checkout", "--quiet", "main")
        self.git("merge", "--quiet", "--squash", "work")
        self.git("commit", "--quiet", "-m", "squashed")
        squashed = self.git("rev-parse", "HEAD")
        eventually(lambda: self.current("staging") == squashed[:12], "the squashed commit runs by the branch's report")

    def test_a_repository_that_disappears_is_reported_and_found_again(self):
        first = self.git("rev-parse", "HEAD")
        self.report(first)
        eventually(lambda: self.current("staging") == first[:12], "the commit runs in staging")
        away = self.world.root / "away"
        self.source.rename(away)
        eventually(
            lambda: any(e["subject"] == "monorepo" for e in self.world.events("repository.unreachable")), "it is missed"
        )
        away.rename(self.source)
        second = self.commit("greeter/main.txt", "2")
        eventually(lambda: ("greeter/staging/2", second[:12]) in self.planned(), "it is followed again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
