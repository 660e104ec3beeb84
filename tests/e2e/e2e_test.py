"""End to end: git push, HTTP, the command line, against the program as it is installed."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import unittest

from world import BINARY, DEPLOY, World, eventually


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def begin(self, version="v1", **documents):
        """The first push, carried to its end."""
        self.world.hooks()
        self.world.documents(**documents)
        self.world.wish(version)
        self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == version, f"{version} runs in staging")

    # -------------------------------------------------------------------------------------------- the good path

    def test_a_push_becomes_a_promotion(self):
        self.begin()
        self.assertEqual(self.world.running(), "v1")
        self.world.wish("v2")
        self.world.push("second")
        eventually(lambda: self.world.current() == "v2", "v2 runs in staging")
        self.assertEqual(self.world.running(), "v2")
        shown = self.world.cli("status", "-o", "json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(json.loads(shown.stdout)[0]["current"]["version"], "v2")
        self.assertEqual(self.world.cli("wait", "greeter/staging/2").returncode, 0)
        self.assertIn("succeeded", self.world.cli("explain", "greeter/staging/2").stdout)
        self.assertIn("activity.succeeded", self.world.cli("timeline", "greeter/staging/2").stdout)
        verified = self.world.cli("log", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_a_bad_release_rolls_back_and_is_quarantined(self):
        self.begin()
        self.world.wish("v2-bad")
        self.world.push("bad")
        eventually(lambda: self.world.events("rollback.succeeded"), "the rollback is done")
        self.assertEqual(self.world.running(), "v1")
        self.assertEqual(self.world.current(), "v1")
        self.assertEqual(len(self.world.events("release.quarantined")), 1)
        for verb in ("timeline", "postmortem"):
            self.assertEqual(self.world.cli(verb, "greeter/staging/2").stdout.count("release.quarantined"), 1, verb)
        self.assertNotIn("release.quarantined", self.world.cli("timeline", "greeter/staging/1").stdout)
        counted = b'headgate_rollbacks_total{environment="staging",trigger="automatic"} 1\n'
        self.assertIn(counted, self.world.http("GET", "/metrics").body)
        self.assertIn("rolled back", self.world.target()["pinned"])
        again = self.world.cli("promote", "greeter", "--to", "staging", "--release", "v2-bad")
        self.assertEqual(again.returncode, 1)
        self.assertIn("quarantined", again.stderr)
        self.assertEqual(self.world.cli("wait", "greeter/staging/2").returncode, 1)
        self.world.wish("v3")
        self.world.push("good again")
        eventually(lambda: self.world.current() == "v3", "v3 runs in staging")
        self.assertIsNone(self.world.target()["pinned"])

    def test_a_no_op_commit_plans_nothing(self):
        self.begin()
        before = len(self.world.events("promotion.planned"))
        file = self.world.tree / "targets/greeter.yaml"
        file.write_text("# a comment\n" + file.read_text())
        sha = self.world.push("comment only")
        eventually(lambda: self.world.http("GET", "/v1/configuration").json["commit"] == sha, "the commit is in force")
        self.assertEqual(len(self.world.events("promotion.planned")), before)

    def test_gates_hold_a_promotion_until_they_pass(self):
        self.world.hooks()
        self.world.documents(gates="[tests]")
        commit = self.world.wish("v1")
        self.world.push()
        self.world.start()
        eventually(lambda: self.world.http("GET", "/v1/promotions?active=true").json["promotions"], "a promotion waits")
        self.assertIsNone(self.world.running())
        explained = self.world.cli("explain", "greeter/staging/1").stdout
        self.assertIn("gate tests is not reported", explained)
        self.assertIn("services/greeter.yaml:", explained)
        waited = self.world.cli("wait", "greeter/staging/1", "--timeout", "1s")
        self.assertEqual(waited.returncode, 124, waited.stdout)
        self.assertIn("greeter/staging/1 is still waiting", waited.stderr)
        report = ["gate", "report", "--service", "greeter", "--commit", commit, "--gate", "tests", "--status"]
        self.assertEqual(self.world.cli(*report, "failed").returncode, 0)
        said = eventually(lambda: [e for e in self.world.events("step.waiting") if "failed" in json.dumps(e["data"])], "it waits")
        self.assertIsNone(self.world.running())
        # The same words in the log, over the API and on the command line.
        text = said[-1]["data"]["unmet"][0]["text"]
        unmet = self.world.http("GET", "/v1/promotions/greeter/staging/1").json["unmet"]
        self.assertIn(text, [condition["text"] for condition in unmet])
        self.assertIn(text, self.world.cli("explain", "greeter/staging/1").stdout)
        self.assertEqual(self.world.cli(*report, "passed").returncode, 0)
        eventually(lambda: self.world.running() == "v1", "v1 is deployed")

    def test_a_closed_window_and_a_freeze_hold_a_promotion(self):
        self.begin()
        file = self.world.tree / "environments/staging.yaml"
        file.write_text(
            file.read_text() + "  windows: [{kind: deny, name: forever, from: 2020-01-01T00:00:00Z, to: 2999-01-01T00:00:00Z}]\n"
        )
        self.world.wish("v2")
        self.world.push("second, in a closed window")
        eventually(lambda: self.world.events("window.expanded"), "the windows are worked out")
        waiting = "greeter/staging/2"
        eventually(lambda: "deny window forever" in self.world.cli("explain", waiting).stdout, "it waits for the window")
        # A reason that would steer the terminal of whoever reads it, by an escape sequence and by C1's own.
        self.assertEqual(self.world.cli("freeze", "staging", "--reason", "the audit\x1b[2K\x9b1A").returncode, 0)
        for shown in (self.world.cli("get", "freezes").stdout, self.world.cli("explain", waiting).stdout):
            self.assertIn("the audit [2K 1A", shown)
        self.assertEqual(self.world.http("GET", "/v1/freezes").json["freezes"][0]["reason"], "the audit\x1b[2K\x9b1A")
        self.assertEqual(self.world.running(), "v1")
        passed = self.world.cli("override", waiting, "--reason", "the fix of the outage")
        self.assertEqual(passed.returncode, 0, passed.stderr)
        eventually(lambda: self.world.running() == "v2", "v2 is deployed")
        self.assertEqual(len(self.world.events("window.overridden")), 1)
        self.assertEqual(len(self.world.events("freeze.overridden")), 1)
        self.assertEqual(self.world.cli("unfreeze", "1").returncode, 0)
        self.assertEqual(self.world.http("GET", "/v1/freezes").json["freezes"], [])

    # ------------------------------------------------------------------------------------------------ bad input

    def test_a_wrong_document_is_rejected_and_the_last_good_one_stays(self):
        self.begin()
        for text, line, found in (
            ("apiVersion: headgate.dev/v1\nkind: Target\nmetadata: {name: greeter.staging}\nspec: {servce: greeter}\n", 4, "servce"),
            ("apiVersion: [\n", 2, ""),
            ("apiVersion: headgate.dev/v1\nkind: Targte\nmetadata: {name: x}\nspec: {}\n", 2, "Targte"),
        ):
            with self.subTest(text=text):
                self.world.write("targets/greeter.yaml", text)
                sha = self.world.push("broken")
                rejected = eventually(
                    lambda: [e for e in self.world.events("configuration.rejected") if e["correlation"] == sha], "rejected"
                )
                diagnostics = rejected[0]["data"]["diagnostics"]
                self.assertTrue(all(d["file"] == "targets/greeter.yaml" and d["line"] == line for d in diagnostics))
                self.assertIn(found, json.dumps(diagnostics))
                self.assertEqual(self.world.current(), "v1")
                validated = self.world.cli("validate", str(self.world.tree))
                self.assertEqual(validated.returncode, 1)
                self.assertIn(f"targets/greeter.yaml:{line}:", validated.stdout)
                self.assertIn(f"COMMIT {sha} IS REJECTED: targets/greeter.yaml:{line}: ", self.world.cli("status").stdout)
                shown = self.world.cli("config", "status").stdout
                first = diagnostics[0]
                self.assertIn(f"targets/greeter.yaml:{line}:{first['column']}: {first['message']}", shown)
                self.assertIn(found, shown)
        self.world.wish("v2")
        self.world.push("mended")
        eventually(lambda: self.world.current() == "v2", "the mended commit takes force")

    def test_what_the_host_lacked_is_asked_for_again_at_the_next_start(self):
        self.begin()
        self.world.write(
            "policies/told.yaml",
            "apiVersion: headgate.dev/v1\nkind: NotificationPolicy\nmetadata: {name: told}\nspec:\n"
            "  routes: [{events: [promotion.failed], to: [chat]}]\n  receivers: {chat: {slack: {url: {secret: slack-url}}}}\n",
        )
        sha = self.world.push("tell the chat")
        configuration = lambda: self.world.http("GET", "/v1/configuration").json
        eventually(lambda: configuration()["rejected"], "the secret is not known")
        self.world.stop()
        self.world.start()
        eventually(self.world.looked, "the commit was looked at again")
        self.assertEqual(configuration()["rejected"]["commit"], sha)
        self.assertEqual(len(self.world.events("configuration.rejected")), 1, "the same is no news")
        self.world.stop()
        secret = self.world.root / "slack-url"
        secret.write_text("http://127.0.0.1:9/hook\n")
        secret.chmod(0o600)
        self.world.write_config(f"secrets: {{slack-url: {{file: {secret}}}}}\n")
        self.world.start()
        eventually(lambda: configuration()["commit"] == sha, "the commit is in force")
        self.assertIsNone(configuration()["rejected"])

    def test_the_repository_vanishes_comes_back_and_is_rewritten(self):
        self.begin()
        hidden = self.world.root / "hidden.git"
        self.world.bare.rename(hidden)
        eventually(lambda: self.world.events("repository.unreachable"), "its absence is an event")
        self.assertEqual(self.world.current(), "v1")
        self.assertIn("REPOSITORY environments CANNOT BE FOLLOWED: ", self.world.cli("status").stdout)
        self.assertIn("repository environments, last fetched", self.world.cli("config", "status").stdout)
        self.assertEqual(self.world.log.read_text().count("the repository cannot be read"), 1)
        hidden.rename(self.world.bare)
        eventually(lambda: self.world.events("repository.recovered"), "its return is an event")
        self.assertEqual(len(self.world.events("repository.unreachable")), 1)
        self.world.git("checkout", "--quiet", "--orphan", "other")
        self.world.git("branch", "--quiet", "-D", "main")
        self.world.git("branch", "--quiet", "-m", "main")
        self.world.wish("v2")
        self.world.push("another history", force=True)
        eventually(lambda: self.world.events("history.rewritten"), "the rewrite is an event")
        eventually(lambda: self.world.current() == "v2", "the new history is followed")

    def test_a_branch_that_goes_back_is_a_fact(self):
        self.world.hooks()
        self.world.documents()
        self.world.wish("v1")
        first = self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "v1 runs in staging")
        rewritten = lambda: len(self.world.events("history.rewritten"))
        configuration = lambda: self.world.http("GET", "/v1/configuration").json
        # From a commit that was rejected: nothing of it is left to be told.
        self.world.write("services/greeter.yaml", "kind: [\n")
        self.world.push("broken")
        eventually(lambda: configuration()["rejected"], "the broken commit is rejected")
        self.world.git("push", "--quiet", "--force", "origin", f"{first}:main")
        eventually(lambda: rewritten() == 1, "the branch went back")
        eventually(lambda: not configuration()["rejected"], "what is in force is the head again")
        # From one that took force: who stands behind the head is known.
        self.world.git("reset", "--quiet", "--hard", first)
        self.world.wish("v2")
        second = self.world.push("second")
        eventually(lambda: self.world.current() == "v2", "v2 runs in staging")
        self.world.git("push", "--quiet", "--force", "origin", f"{first}:main")
        eventually(lambda: rewritten() == 2, "the branch went back once more")
        eventually(lambda: configuration()["commit"] == first, "the earlier commit is in force again")
        seen = [event["correlation"] for event in self.world.events("commit.observed")]
        self.assertEqual(seen[-2:], [second, first])

    def test_it_is_ready_when_the_repository_was_looked_at(self):
        hidden = self.world.root / "hidden.git"
        self.world.hooks()
        self.world.documents()
        self.world.push()
        self.world.start()
        register = ["release", "register", "--service", "greeter", "--version", "v1", "--commit", "a" * 40]
        registered = self.world.cli(*register)
        self.assertEqual(registered.returncode, 0, registered.stderr)
        self.assertEqual(self.world.stop(), 0)
        # Where nothing is there to be read it is ready as well, and says so.
        self.world.bare.rename(hidden)
        shutil.rmtree(self.world.data)
        self.world.start()
        self.assertIn("in force   none yet", self.world.cli("config", "status").stdout)
        self.assertIn("CANNOT BE FOLLOWED", self.world.cli("status").stdout)

    def test_diff_of_what_is_in_force(self):
        self.world.hooks()
        self.world.documents()
        self.world.wish("v1")
        file = self.world.tree / "targets/greeter.yaml"
        file.write_text(re.sub(r", commit: [0-9a-f]+", "", file.read_text()))
        self.world.push()
        self.world.start()
        register = ["release", "register", "--service", "greeter", "--version", "v1", "--commit", "a" * 40]
        self.assertEqual(self.world.cli(*register).returncode, 0)
        eventually(lambda: self.world.current() == "v1", "v1 runs")
        same = self.world.cli("diff", str(self.world.tree))
        self.assertEqual(same.returncode, 0, same.stdout)
        self.assertEqual(same.stderr, "")
        written = file.read_text()
        file.write_text(written.rstrip() + "\n  onDelete: retain\n")
        changed = self.world.cli("diff", str(self.world.tree))
        self.assertEqual(changed.returncode, 1, changed.stdout)
        self.assertRegex(changed.stdout, r"changed +Target +greeter.staging +onDelete +nothing: it runs")
        file.write_text(written.replace("version: v1", f"version: v1, commit: {'b' * 40}"))
        changed = self.world.cli("diff", str(self.world.tree))
        self.assertEqual(changed.returncode, 1, changed.stdout)
        self.assertIn("would be refused: v1 has another commit", changed.stdout)
        file.write_text(written)
        # A policy is left out, which is said; and a wish that names a release to come is in force all the same.
        self.world.write(
            "policies/told.yaml",
            "apiVersion: headgate.dev/v1\nkind: NotificationPolicy\nmetadata: {name: told}\nspec:\n"
            "  routes: [{events: [promotion.failed], to: [hook]}]\n"
            "  receivers: {hook: {webhook: {url: \"http://127.0.0.1:9/hook\"}}}\n",
        )
        staging = (self.world.tree / "environments/staging.yaml").read_text()
        self.world.write("environments/elsewhere.yaml", staging.replace("name: staging", "name: elsewhere"))
        self.world.write(
            "policies/access.yaml",
            "apiVersion: headgate.dev/v1\nkind: AccessPolicy\nmetadata: {name: access}\nspec:\n"
            "  grants: [{token: narrow, role: viewer, environments: [elsewhere]}]\n",
        )
        file.write_text(file.read_text().replace("version: v1", "version: v9"))
        sha = self.world.push("a release that nobody has registered yet")
        eventually(lambda: self.world.http("GET", "/v1/configuration").json["commit"] == sha, "it is in force")
        same = self.world.cli("diff", str(self.world.tree))
        self.assertEqual(same.returncode, 0, same.stdout)
        self.assertIn("not compared: ", same.stderr)
        # What a token does not see is in force all the same.
        narrow = self.world.cli("token", "create", "narrow").stdout.strip()
        unseen = self.world.cli("diff", str(self.world.tree), token=narrow)
        self.assertEqual(unseen.returncode, 2, unseen.stdout)
        self.assertEqual(unseen.stdout, "")
        self.assertIn("0 of 1 targets", unseen.stderr)
        file.write_text(file.read_text().replace("version: v9", "version: v2"))
        environment = self.world.tree / "environments/staging.yaml"
        environment.write_text(environment.read_text().replace("observeEvery: 1s", "observeEvery: 2s"))
        changed = self.world.cli("diff", str(self.world.tree))
        self.assertEqual(changed.returncode, 1, changed.stdout)
        self.assertRegex(changed.stdout, r"changed +Target +greeter.staging +version +a promotion from v1 to v2")
        self.assertRegex(changed.stdout, r"changed +Environment +staging +observeEvery ")

    def test_init_and_validate_name_what_cannot_be(self):
        w = self.world
        taken, empty, made = w.root / "taken", w.root / "empty", w.root / "made"
        taken.write_text("a letter")
        refused = w.cli("init", str(taken))
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("is no folder", refused.stderr)
        empty.mkdir()
        nothing = w.cli("validate", str(empty))
        self.assertEqual(nothing.returncode, 2, nothing.stdout)
        self.assertIn("*.yaml", nothing.stderr)
        (empty / "large.yaml").write_bytes(b"#" * (17 << 20))
        large = w.cli("validate", str(empty))
        self.assertEqual(large.returncode, 1)
        self.assertIn(str(17 << 20), large.stdout)
        self.assertIn(f"at most {1 << 20}", large.stdout)
        self.assertEqual(large.stderr, "1 mistake\n")
        shown = w.cli("init", str(made)).stdout
        self.assertIn(f'url: "{made}"', shown)
        self.assertIn("commands: {mode: repository}", shown)

    def test_validate_sees_what_git_would_commit(self):
        self.world.hooks()
        self.world.documents()
        self.world.write(".gitignore", "/hooks/verify.sh\n")
        ignored = self.world.cli("validate", str(self.world.tree))
        self.assertEqual(ignored.returncode, 1, ignored.stdout)
        self.assertIn("hooks/verify.sh", ignored.stdout)
        self.world.git("add", "--force", "hooks/verify.sh")  # what is in the index is committed all the same
        self.assertEqual(self.world.cli("validate", str(self.world.tree)).returncode, 0)
        self.world.write(".hidden/verify.sh", "#!/bin/sh\n", executable=True)
        service = self.world.tree / "services/greeter.yaml"
        text = service.read_text()
        service.write_text(text.replace("hooks/verify.sh", ".hidden/verify.sh"))
        hidden = self.world.cli("validate", str(self.world.tree))
        self.assertEqual(hidden.returncode, 0, hidden.stdout)
        (self.world.tree / "hooks/link.sh").symlink_to("verify.sh")
        (self.world.tree / "services/link.yaml").symlink_to("greeter.yaml")
        service.write_text(text.replace("hooks/verify.sh", "hooks/link.sh"))
        linked = self.world.cli("validate", str(self.world.tree))
        self.assertEqual(linked.returncode, 1, linked.stdout)
        for link in ("hooks/link.sh", "services/link.yaml"):
            self.assertIn(f"{link}: note: a symbolic link, which is not followed", linked.stderr)
        service.write_text(text)
        (self.world.tree / "services/link.yaml").unlink()
        other = self.world.tree / "other"
        self.world.git("init", "--quiet", str(other))
        (other / "wrong.yaml").write_text("kind: Nothing\n")
        self.assertEqual(self.world.cli("validate", str(self.world.tree)).returncode, 0)

    def test_requests_that_are_wrong(self):
        self.begin()
        w = self.world
        cases = [
            ("no token", w.http("GET", "/v1/targets", token=None), 401),
            ("wrong token", w.http("GET", "/v1/targets", token="hg_" + "A" * 43), 401),
            ("no such route", w.http("GET", "/v1/nothing"), 404),
            ("wrong method", w.http("DELETE", "/v1/targets"), 405),
            ("not JSON", w.http("POST", "/v1/gates", raw=b"{"), 400),
            ("a key twice", w.http("POST", "/v1/gates", raw=b'{"service":"a","service":"b"}'), 400),
            ("unknown field", w.http("POST", "/v1/gates", {"service": "greeter", "gat": "tests"}), 400),
            ("unknown service", w.http("POST", "/v1/gates", {"service": "x", "commit": "a" * 40, "gate": "tests", "status": "passed"}), 404),
            ("body too large", w.http("POST", "/v1/gates", raw=b" " * (2 << 20)), 413),
            ("unknown promotion", w.http("GET", "/v1/promotions/greeter/staging/99"), 404),
            ("ended promotion", w.http("POST", "/v1/promotions/greeter/staging/1/approve", {"plan_digest": "sha256:x"}), 409),
            ("future position", w.http("GET", "/v1/events/999999"), 404),
        ]
        for name, answer, status in cases:
            with self.subTest(name):
                self.assertEqual(answer.status, status, answer.body)
                self.assertEqual(answer.headers["Content-Type"].split(";")[0], "application/problem+json")
                self.assertEqual(answer.json["status"], status)
                self.assertTrue(answer.json["detail"] or answer.json["title"])
        self.assertEqual(w.cli("explain", "nonsense").returncode, 2)
        of_a_target = w.cli("explain", "greeter/staging")
        self.assertEqual(of_a_target.returncode, 2)
        self.assertIn("headgate status greeter", of_a_target.stderr)
        self.assertEqual(w.cli("nonsense").returncode, 2)
        self.assertEqual(w.cli("status", "nonsense").returncode, 1)
        self.assertEqual(w.cli("--version").stdout, w.cli("version").stdout)
        self.assertEqual(w.cli("promote", "greeter", "--to", "staging", "--version", "v1").returncode, 2)
        self.assertEqual(w.cli("status", token="hg_" + "A" * 43).returncode, 4)
        self.assertEqual(w.cli("--server", "http://127.0.0.1:1", "status").returncode, 3)
        self.assertEqual(w.cli("get", "promotions", "--environment", "staging").returncode, 0)
        self.assertEqual(w.cli("get", "incidents", "--service", "greeter").returncode, 0)
        for arguments in (
            ["get", "environments", "--environment", "staging"],
            ["get", "freezes", "--service", "greeter"],
            ["get", "releases", "--service", "greeter", "--environment", "staging"],
            ["get", "targets", "--active"],
            ["get", "promotions", "--limit", "0"],
            ["get", "promotions", "--limit", "-3"],
            ["events", "--limit", "0"],
            ["events", "--limit", "501"],
            ["events", "--limit", "18446744073709551616"],
            ["events", "--after", "-1"],
            ["events", "--follow", "--limit", "3"],
            ["events", "--follow", "--newest-first"],
            ["events", "--follow", "--to", "2026-11-20T09:00:00Z"],
        ):
            with self.subTest(arguments):
                refused = w.cli(*arguments)
                self.assertEqual(refused.returncode, 2, refused.stdout)
                self.assertIn(arguments[-2 if arguments[-1][:2] != "--" else -1], refused.stderr)
        refused = w.cli("events", "--follow", "--type", "x y")
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("'x y'", refused.stderr)

        for arguments in (
            ["token", "revoke", ""],
            ["people", "erase", "", "--yes"],
            ["unfreeze", ""],
            ["incident", "note", "", "--note", "seen"],
            ["quarantine", "greeter", "", "--reason", "broken"],
        ):
            with self.subTest(arguments):
                refused = w.cli(*arguments)
                self.assertEqual(refused.returncode, 2, refused.stdout)
                self.assertIn("an empty text was given", refused.stderr)
        backup = w.cli("backup", "verify", "0")
        self.assertEqual(backup.returncode, 2)
        self.assertIn("expected a whole number from 1", backup.stderr)
        moment = w.cli("state", "--at", "noon")
        self.assertEqual(moment.returncode, 2)
        self.assertIn("found 'noon'", moment.stderr)
        vague = w.cli("gate", "report", "--service", "greeter", "--commit", "abc", "--gate", "tests", "--status", "passed")
        self.assertEqual(vague.returncode, 2)
        self.assertIn("abc", vague.stderr)

    def test_a_page_of_events_says_how_to_go_on(self):
        self.begin()
        w = self.world
        first = w.cli("events", "--limit", "2", "-o", "json")
        self.assertEqual([json.loads(line)["id"] for line in first.stdout.splitlines()], ["0", "1"])
        self.assertEqual(first.stderr, "more: headgate events --limit 2 --after 1\n")
        second = w.cli("events", "--limit", "2", "--after", "1", "-o", "json")
        self.assertEqual([json.loads(line)["id"] for line in second.stdout.splitlines()], ["2", "3"])
        newest = w.cli("events", "--type", "step.*", "--newest-first", "--limit", "1", "-o", "json")
        last = json.loads(newest.stdout)["id"]
        self.assertEqual(
            newest.stderr, f"more: headgate events --type 'step.*' --newest-first --limit 1 --after {last}\n"
        )
        self.assertEqual(w.cli("events", "--type", "promotion.planned").stderr, "")

    def test_a_dry_run_shows_the_promotion_and_its_steps(self):
        self.begin()
        register = ["release", "register", "--service", "greeter", "--version", "v2", "--commit", "b" * 40]
        self.assertEqual(self.world.cli(*register).returncode, 0)
        shown = self.world.cli("promote", "greeter", "--to", "staging", "--release", "v2", "--dry-run")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        lines = shown.stdout.splitlines()
        self.assertEqual(lines[0], "greeter/staging/2  v1 -> v2  (nothing is done)")
        self.assertIn("  deploy", lines)

    def test_a_file_that_is_named_and_not_there_is_a_mistake(self):
        nothing = str(self.world.root / "nothing")
        for arguments in (
            ["wait", "greeter/staging/1", "--token-file", nothing],
            ["log", "verify", "--checkpoint", nothing],
            ["log", "verify", "--key", nothing],
            ["log", "verify", "--data", nothing],
            ["log", "repair", "--data", nothing],
            ["log", "proof", "1", "--data", str(self.world.place), "--signing-key", nothing],
            ["serve", "--config", nothing],
        ):
            with self.subTest(arguments):
                refused = self.world.cli(*arguments)
                self.assertEqual(refused.returncode, 2, refused.stdout)
                self.assertIn(nothing, refused.stderr)

    def test_colour_is_for_terminals_and_can_be_turned_off(self):
        self.begin()

        def shown(**environment):
            terminal, stdout = pty.openpty()
            done = subprocess.run(
                [BINARY, "status"],
                env={
                    "HEADGATE_SERVER": f"http://127.0.0.1:{self.world.port}",
                    "HEADGATE_TOKEN": self.world.token,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                timeout=60,
            )
            os.close(stdout)
            text = os.read(terminal, 65536)
            os.close(terminal)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"greeter/staging", text)
            return text

        self.assertIn(b"\x1b[1m", shown())
        self.assertIn(b"\x1b[1m", shown(NO_COLOR=""))
        self.assertNotIn(b"\x1b", shown(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.world.cli("status").stdout)

    def test_every_output_is_what_it_is_called(self):
        self.begin()
        narrow, wide = (self.world.cli("get", "targets", "-o", output).stdout for output in ("table", "wide"))
        self.assertNotIn("DOCUMENT", narrow)
        self.assertRegex(wide, r"(?s)DOCUMENT.*greeter/staging .* targets/greeter.yaml ")
        for what in ("services", "environments", "freezes", "incidents", "repositories", "promotions"):
            tables = [self.world.cli("get", what, "-o", output).stdout.splitlines()[0] for output in ("table", "wide")]
            self.assertGreater(len(tables[1]), len(tables[0]), what)
        events = self.world.cli("events", "--type", "promotion.planned", "-o", "yaml").stdout
        self.assertTrue(events.startswith('---\n"specversion": "1.0"\n'), events)
        self.assertEqual(self.world.cli("get", "freezes", "-o", "yaml").stdout, "[]\n")
        self.assertNotIn("[", self.world.cli("token", "list").stdout)
        self.world.write("targets/greeter.yaml", "kind: Targte\n")
        for output, start in (("json", "["), ("yaml", "-")):
            checked = self.world.cli("validate", str(self.world.tree), "-o", output)
            self.assertEqual(checked.returncode, 1)
            self.assertTrue(checked.stdout.startswith(start), checked.stdout)
        refused = self.world.cli("events", "--type", "promotion.plannd")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("expected 'promotion.planned'", refused.stderr)
        slip = self.world.cli("promote", "greter", "--to", "staging", "--release", "v1")
        self.assertEqual(slip.returncode, 1)
        self.assertIn("the nearest is 'greeter'", slip.stderr)

    def test_every_verb_shows_an_example(self):
        def look_at(*verb):
            shown = self.world.cli(*verb, "--help").stdout
            self.assertIn("\nExample:", shown, verb)
            below = shown.partition("\nSubcommands:\n")[2].partition("\nExample:")[0]
            names = re.findall(r"^  ([a-z-]+)", below, re.MULTILINE)
            return 1 + sum(look_at(*verb, name) for name in names)

        self.assertGreater(look_at(), 40)

    def test_whoever_follows_misses_nothing_of_a_restart(self):
        self.begin()
        out, err = self.world.root / "followed", self.world.root / "said"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            follower = subprocess.Popen(
                [BINARY, "events", "--follow", "-o", "json"],
                env={"HEADGATE_SERVER": f"http://127.0.0.1:{self.world.port}", "HEADGATE_TOKEN": self.world.token},
                stdout=stdout,
                stderr=stderr,
            )
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)

        def told(commit):
            body = {"service": "greeter", "commit": commit * 40, "gate": "tests", "status": "passed"}
            self.assertLess(self.world.http("POST", "/v1/gates", body).status, 300)
            return commit * 40 in out.read_text()

        eventually(lambda: told("a"), "it follows")
        self.assertEqual(self.world.stop(), 0)
        eventually(lambda: "connecting again" in err.read_text(), "it says that the server is away")
        self.world.start()
        eventually(lambda: told("b"), "it follows again")
        self.assertIsNone(follower.poll())
        ids = [int(json.loads(line)["id"]) for line in out.read_text().splitlines()]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))

    def test_whoever_waits_waits_through_a_restart(self):
        self.world.hooks()
        self.world.documents(gates="[tests]")
        commit = self.world.wish("v1")
        self.world.push()
        self.world.start()
        eventually(lambda: self.world.events("promotion.planned"), "it is planned")
        said = self.world.root / "said"
        with said.open("wb") as stderr:
            waiter = subprocess.Popen(
                [BINARY, "wait", "greeter/staging/1"],
                env={"HEADGATE_SERVER": f"http://127.0.0.1:{self.world.port}", "HEADGATE_TOKEN": self.world.token},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self.addCleanup(waiter.wait)
        self.addCleanup(waiter.kill)
        metrics = "headgate_http_requests_total{.*route=\"/v1/promotions/{service}/{environment}/{n}\".*} [1-9]"
        eventually(lambda: re.search(metrics, self.world.http("GET", "/metrics").body.decode()), "it asks")
        self.assertEqual(self.world.stop(), 0)
        eventually(lambda: "connecting again" in said.read_text(), "it says that the server is away")
        self.world.start()
        body = {"service": "greeter", "commit": commit, "gate": "tests", "status": "passed"}
        self.assertLess(self.world.http("POST", "/v1/gates", body).status, 300)
        self.assertEqual(waiter.wait(timeout=60), 0)
        self.assertEqual(said.read_text().count("connecting again"), 1)

    def test_an_idempotency_key_answers_the_same_again(self):
        self.begin()
        body = {"service": "greeter", "commit": "a" * 40, "gate": "tests", "status": "passed"}
        first = self.world.http("POST", "/v1/gates", body, headers={"Idempotency-Key": "one"})
        self.assertIn(first.status, (200, 201), first.body)
        again = self.world.http("POST", "/v1/gates", body, headers={"Idempotency-Key": "one"})
        self.assertEqual((again.status, again.json["position"], again.json["leaf_hash"]), (first.status, first.json["position"], first.json["leaf_hash"]))
        other = self.world.http("POST", "/v1/gates", {**body, "status": "failed"}, headers={"Idempotency-Key": "one"})
        self.assertEqual(other.status, 422)
        self.assertEqual(len(self.world.events("gate.reported")), 1)

    # -------------------------------------------------------------------------------------------- bad commands

    def test_a_command_that_hangs_is_ended(self):
        self.world.hooks(deploy="#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n")
        self.world.documents()
        self.world.config.write_text(self.world.config.read_text().replace("mode: repository", "mode: repository, timeout: 1s"))
        self.world.wish("v1")
        self.world.push()
        self.world.start()
        failed = eventually(lambda: self.world.events("activity.failed"), "the attempt failed")
        self.assertIn("1s", failed[0]["data"]["reason"])
        # An observe command may be under way at any one look; what was left behind is there at every look.
        eventually(lambda: not _processes_with(str(self.world.data)), "nothing of the command is left")

    def test_a_command_that_floods_and_leaves_children(self):
        self.world.hooks(
            deploy=DEPLOY.replace("set -eu\n", "set -eu\n(setsid sleep 1000 &)\nhead -c 50000000 /dev/zero | tr '\\0' x\n", 1)
        )
        self.world.documents()
        self.world.wish("v1")
        self.world.push()
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "it succeeds all the same", 60)
        # An observe command may be under way at any one look; what was left behind is there at every look.
        eventually(lambda: not _processes_with(str(self.world.data)), "nothing of the command is left")
        self.assertLess(sum(f.stat().st_size for f in (self.world.data / "blobs").rglob("*") if f.is_file()), 1 << 20)

    # ------------------------------------------------------------------------------------------ data directories

    def test_two_servers_on_one_data_directory(self):
        self.begin()
        second = subprocess.run(
            [BINARY, "serve", "--config", str(self.world.config), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30
        )
        self.assertEqual(second.returncode, 3)
        self.assertIn(str(self.world.server.pid), second.stderr)
        offline = self.world.cli("log", "verify", "--data", str(self.world.data))
        self.assertEqual(offline.returncode, 3)

    def test_a_folder_that_is_no_data_directory(self):
        folder = self.world.root / "home"
        folder.mkdir(mode=0o755)
        (folder / "letter").write_text("dear alice")
        dangling = self.world.root / "dangling"
        dangling.symlink_to("nothing")
        new = self.world.root / "new"
        for verb in ("verify", "export", "stat", "checkpoint", "repair"):  # none of them makes it look like one
            self.assertNotEqual(self.world.cli("log", verb, "--data", str(folder)).returncode, 0, verb)
            self.assertEqual([f.name for f in folder.iterdir()], ["letter"], verb)
        locked = self.world.root / "locked"
        locked.mkdir()
        for name in ("headgate.lock", "photo"):
            (locked / name).write_text("")
        for data, address, found in (
            (folder, "127.0.0.1:0", "letter"),
            (locked, "127.0.0.1:0", "photo"),
            (dangling, "127.0.0.1:0", "dangling"),
            ("/proc/x", "127.0.0.1:0", "/proc/x"),
            (new, "0.0.0.0:0", "TLS"),
        ):
            with self.subTest(data):
                refused = self.world.cli(
                    "serve", "--data", str(data), "--repository", str(self.world.bare), "--listen", address
                )
                self.assertEqual(refused.returncode, 2, refused.stderr)
                self.assertIn(found, refused.stderr)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o755)
        self.assertEqual([f.name for f in folder.iterdir()], ["letter"])
        self.assertFalse(new.exists())

    def test_a_data_directory_with_another_origin(self):
        self.begin()
        self.assertEqual(self.world.stop(), 0)
        config = self.world.config.read_text()
        self.world.config.write_text(config.replace("origin: e2e.headgate.test", "origin: other.headgate.test"))
        self.world.start(wait=False)
        self.assertEqual(self.world.server.wait(timeout=30), 2)
        self.assertIn("other.headgate.test", self.world.log.read_text())
        # Likewise where the server's file names what is not there.
        self.world.config.write_text(
            config.replace("role: environments,", "role: environments, credentials: {token: {file: no-such-token}},")
        )
        self.world.start(wait=False)
        self.assertEqual(self.world.server.wait(timeout=30), 2)
        self.assertIn("no-such-token", self.world.log.read_text())

    def test_secrets_stay_out_of_the_log(self):
        self.begin()
        token = self.world.token
        self.assertEqual(os.stat(self.world.data / "admin.token").st_mode & 0o777, 0o600)
        created = self.world.cli("token", "create", "ci")
        self.assertEqual(created.returncode, 0, created.stderr)
        text = created.stdout.strip()
        self.assertTrue(text.startswith("hg_"))
        everything = self.world.http("GET", "/v1/events?limit=500", headers={"Accept": "application/x-ndjson"}).body.decode()
        for secret in (token, text, "dev@example.com"):
            self.assertNotIn(secret, everything)
        self.assertNotIn(text, self.world.log.read_text())
        self.world.stop()
        for file in self.world.data.rglob("*"):
            if file.is_file() and file.name != "admin.token" and "repositories" not in file.parts:
                content = file.read_bytes()
                self.assertNotIn(text.encode(), content, file)
                if "people" not in file.parts:
                    self.assertNotIn(b"dev@example.com", content, file)


class FullDisk(unittest.TestCase):
    def test_a_full_disk_loses_no_acknowledged_event(self):
        disk = pathlib.Path("/tmp") / f"headgate-e2e-disk-{os.getpid()}"
        disk.mkdir()
        as_root = [] if os.geteuid() == 0 else [shutil.which("sudo") or "false", "-n"]
        size_and_owner = f"size=48m,uid={os.getuid()},gid={os.getgid()}"
        try:
            mount = [*as_root, "mount", "-t", "tmpfs", "-o", size_and_owner, "tmpfs", str(disk)]
            mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
            if mounted.returncode != 0:
                self.skipTest(f"a small file system takes the right to mount one: {mounted.stderr.strip()}")
            world = World(data=disk / "data")
            try:
                self.fill(world, disk)
            finally:
                world.close()
        finally:
            subprocess.run([*as_root, "umount", "--lazy", str(disk)], check=False)
            shutil.rmtree(disk, ignore_errors=True)

    def fill(self, world, disk):
        world.hooks()
        world.documents()
        world.wish("v1")
        world.push()
        world.start()
        eventually(lambda: world.current() == "v1", "v1 runs")
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        acknowledged = []

        def server_ended():
            try:
                answer = world.http("POST", "/v1/gates", {"service": "greeter", "commit": "b" * 40, "gate": "tests", "status": "passed", "summary": "x" * 3000})
                if answer.status < 300:
                    acknowledged.append(answer.json["position"])
            except OSError:
                pass
            return world.server.poll() is not None

        eventually(server_ended, "a server that cannot write ends", 60)
        self.assertIn("No space left", world.log.read_text())
        ballast.unlink()
        world.start()
        self.assertEqual(world.current(), "v1")
        recorded = {int(e["id"]) for e in world.events("gate.reported")}
        self.assertTrue(set(acknowledged) <= recorded, (acknowledged[-3:], max(recorded, default=None)))


def _processes_with(text):
    """Processes that work in a folder: what a command of a target left behind."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            where = os.readlink(process / "cwd")
        except OSError:
            continue
        if where.startswith(text):
            found.append(int(process.name))
    return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
