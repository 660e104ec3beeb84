"""Backups, mirrors and restores, against the program as it is installed."""

import base64
import hashlib
import json
import os
import pty
import subprocess
import threading
import unittest

from world import BINARY, World, eventually


def proves(proof, record):
    """Whether a .tlog-proof leads from the record to the root of its checkpoint (RFC 9162, 2.1.3.2)."""
    head, checkpoint = proof.decode().split("\n\n", 1)
    lines = head.splitlines()
    index = int(lines[1].removeprefix("index "))
    size, root = int(checkpoint.splitlines()[1]), base64.b64decode(checkpoint.splitlines()[2])
    node, last = index, size - 1
    value = hashlib.sha256(b"\0" + record).digest()
    for sibling in map(base64.b64decode, lines[2:]):
        if node % 2 == 1 or node == last:
            value = hashlib.sha256(b"\1" + sibling + value).digest()
            while node % 2 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\1" + value + sibling).digest()
        node, last = node >> 1, last >> 1
    return last == 0 and value == root


class Backups(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.backups = self.world.root / "backups"
        self.mirror = self.world.root / "mirror"
        self.restored = self.world.root / "restored"
        self.origin = "e2e.headgate.test"
        self.configure()

    def configure(self, every="off", extra=""):
        self.world.write_config(
            f"backup: {{directory: {self.backups}, every: {every}, keep: 30d}}\nmirror: {{directory: {self.mirror}}}\n" + extra
        )

    def begin(self, version="v1"):
        self.world.hooks()
        self.world.documents()
        self.world.wish(version)
        self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == version, f"{version} runs in staging")

    def run_cli(self, *arguments, code=0):
        done = self.world.cli(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout} {done.stderr}")
        return done

    def backup(self):
        return json.loads(self.run_cli("backup", "create", "-o", "json").stdout)[0]

    def size(self):
        return self.world.http("GET", "/v1/state").json["position"] + 1

    def mirrored(self):
        return self.world.http("GET", "/v1/backups").json["mirror"]

    def use(self, data, origin=None):
        """The same world on another data directory."""
        self.world.stop()
        token = (self.world.data / "admin.token").read_text()
        self.world.data = data
        (data / "admin.token").write_text(token)
        self.configure()
        if origin:
            text = self.world.config.read_text().replace(f"origin: {self.origin}", f"origin: {origin}")
            self.world.config.write_text(text)
            self.origin = origin
        self.world.start()

    # ------------------------------------------------------------------------------------------------- effects

    def test_effects_are_paused_and_resumed(self):
        self.begin()
        said = self.run_cli("effects", "pause", "--reason", "moving the database").stdout
        self.assertIn("effects are paused", said)
        self.assertIn("already", self.run_cli("effects", "pause", "--reason", "again").stdout)
        self.assertTrue(self.run_cli("status").stdout.startswith("EFFECTS ARE PAUSED"))
        effects = self.world.http("GET", "/v1/state").json["effects"]
        self.assertEqual((effects["paused"], effects["reason"]), (True, "moving the database"))
        self.assertIn(b"headgate_effects_paused 1", self.world.http("GET", "/metrics").body)
        self.world.wish("v2")
        self.world.push("second")
        eventually(
            lambda: "effects are paused" in self.world.cli("explain", "greeter/staging/2").stdout, "the promotion waits"
        )
        self.assertEqual(self.world.running(), "v1")
        self.assertEqual(self.world.http("POST", "/v1/effects/resume", {}).status, 400)
        self.run_cli("effects", "resume", "--reason", "it is moved")
        eventually(lambda: self.world.current() == "v2", "v2 runs in staging")
        self.assertEqual(self.world.http("GET", "/v1/state").json["effects"], {"paused": False})

    # ------------------------------------------------------------------------------------------------- backups

    def test_backups_under_load_are_verified_and_damage_is_found(self):
        self.begin()
        stop = threading.Event()

        def load():
            n = 0
            while not stop.is_set():
                n += 1
                body = {"service": "greeter", "version": f"l{n}", "commit": "ab" * 20}
                if self.world.http("POST", "/v1/releases", body).status not in (200, 201):
                    return

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        first, second = self.backup(), self.backup()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertLess(first["size"], second["size"])
        self.assertTrue(first["verified"] and second["verified"])
        self.assertEqual(len(self.world.events("backup.completed")), 2)
        verified = self.world.events("backup.verified")
        self.assertEqual([(e["data"]["id"], e["data"]["size"]) for e in verified], [(b["id"], b["size"]) for b in (first, second)])
        self.assertIn(b"headgate_backup_age_seconds", self.world.http("GET", "/metrics").body)
        self.run_cli("backup", "verify", str(first["id"]))
        self.assertEqual(len(json.loads(self.run_cli("backup", "list", "-o", "json").stdout)), 2)

        key = self.backups / "sets" / str(second["id"]) / "log.key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        key.write_text(key.read_text()[::-1])
        failed = self.run_cli("backup", "verify", str(second["id"]), code=1)
        self.assertIn("log.key was altered", failed.stderr)
        self.assertEqual(self.world.events("backup.failed")[0]["data"]["id"], second["id"])
        # The newest good one is what a restore takes.
        self.world.stop()
        named = self.run_cli(
            "backup", "restore", "--from", str(self.backups), "--data", str(self.restored), "--id", str(second["id"]), code=1
        )
        self.assertIn(f"--id {first['id']}", named.stderr)
        (self.restored / "lost+found").mkdir(exist_ok=True)
        done = json.loads(
            self.run_cli("backup", "restore", "--from", str(self.backups), "--data", str(self.restored), "-o", "json").stdout
        )
        self.assertEqual((done["backup"], done["size"]), (first["id"], first["size"]))

    def test_a_kill_during_a_backup_leaves_the_older_ones_good(self):
        self.begin()
        first = self.backup()
        for _ in range(5):
            self.assertEqual(self.world.http("POST", "/v1/backups", {}).status, 202)
            self.world.kill()
            self.run_cli("backup", "verify", str(first["id"]), "--from", str(self.backups))
            self.world.start()
        last = self.backup()
        self.assertTrue(last["verified"])
        self.run_cli("backup", "verify", "--from", str(self.backups))

    def test_scheduled_backups_and_retention(self):
        self.configure(every="1s")
        text = self.world.config.read_text().replace("keep: 30d", "keep: 2s")
        self.world.config.write_text(text)
        self.begin()
        eventually(lambda: len(self.world.events("backup.verified")) >= 5, "five backups", seconds=60)
        kept = self.world.http("GET", "/v1/backups").json["backups"]
        self.assertLess(len(kept), len(self.world.events("backup.completed")))
        self.assertTrue(any(b["verified"] for b in kept))

    def test_a_stopped_directory_is_backed_up_and_bad_calls_are_refused(self):
        self.begin()
        self.world.stop()
        folder = self.world.root / "by-hand"
        made = json.loads(
            self.run_cli("backup", "create", "--data", str(self.world.data), "--to", str(folder), "-o", "json").stdout
        )[0]
        self.run_cli("backup", "verify", "--from", str(folder), "--data", str(self.world.data))
        relative = os.path.relpath(folder)
        self.run_cli("backup", "verify", "--from", relative)
        again = ["backup", "create", "--data", str(self.world.data), "--to", relative, "--signing-key"]
        self.run_cli(*again, str(self.world.data / "log.key"))
        self.run_cli(*again, str(self.world.data / "admin.token"), code=1)
        missing = str(self.world.root / "nothing")
        for verb in ("list", "verify"):
            self.assertIn(missing, self.run_cli("backup", verb, "--from", missing, code=2).stderr)
        self.run_cli("log", "verify", "--data", str(self.world.data))
        # Whoever waits at a terminal sees that it goes on.
        terminal, stderr = pty.openpty()
        verify = [BINARY, "backup", "verify", "--from", str(folder)]
        seen = subprocess.run(verify, stdout=subprocess.PIPE, stderr=stderr, timeout=60)
        self.assertEqual(seen.returncode, 0)
        self.assertIn(b"reading backup 2, 0 s", os.read(terminal, 4096))
        self.assertNotIn(b"reading", seen.stdout)
        self.run_cli("backup", "restore", "--from", missing, "--data", str(self.restored), code=2)
        into = ["backup", "restore", "--from", str(folder), "--data"]
        self.assertIn("empty directory only", self.run_cli(*into, str(self.world.data), code=1).stderr)
        self.run_cli(*into, str(self.restored), "--origin", "other.headgate.test", code=2)
        self.assertFalse((self.restored / "db").exists())
        self.run_cli(*into, str(self.restored), "--id", "99", code=1)
        self.run_cli("backup", "restore", "--data", str(self.restored), code=2)
        self.run_cli(*into, str(self.restored), "--checkpoint", str(self.world.root / "nothing"), code=2)
        self.run_cli("backup", "create", "--data", str(self.world.root / "nothing"), "--to", str(folder), code=2)
        # A restore that did not come to its end is taken for a log by nobody.
        (self.restored / "restoring").mkdir(parents=True, exist_ok=True)
        self.assertIn("did not come to its end", self.run_cli("log", "stat", "--data", str(self.restored), code=1).stderr)
        (self.restored / "restoring").rmdir()
        self.assertEqual(made["size"], json.loads(self.run_cli(*into, str(self.restored), "-o", "json").stdout)["size"])

    # ------------------------------------------------------------------------------------------------ restores

    def test_a_restore_is_paused_until_somebody_resumes_and_goes_on(self):
        self.begin()
        self.world.stop()
        folder = self.world.root / "by-hand"
        self.run_cli("backup", "create", "--data", str(self.world.data), "--to", str(folder))
        # Nothing is lost: what is left of the old directory proves it.
        self.run_cli(
            "backup", "restore", "--from", str(folder), "--data", str(self.restored), "--checkpoint", str(self.world.data)
        )
        self.use(self.restored)
        types = [e["type"] for e in self.world.events("*")]
        self.assertIn("dev.headgate.log.restored.v1", types)
        self.assertTrue(self.world.http("GET", "/v1/state").json["effects"]["paused"])
        self.world.wish("v2")
        self.world.push("second")
        eventually(
            lambda: "effects are paused" in self.world.cli("explain", "greeter/staging/2").stdout, "the promotion waits"
        )
        self.assertEqual(self.world.running(), "v1")
        self.run_cli("effects", "resume", "--reason", "looked at it")
        eventually(lambda: self.world.current() == "v2", "v2 runs in staging")
        self.run_cli("log", "verify")
        self.world.stop()
        self.run_cli("log", "verify", "--data", str(self.restored))

    def test_a_restore_behind_a_known_checkpoint_begins_a_new_origin(self):
        self.begin()
        made = self.backup()
        proof = self.world.http("GET", "/v1/events/1/proof").body
        for n in range(20):
            self.world.http("POST", "/v1/releases", {"service": "greeter", "version": f"r{n}", "commit": "ab" * 20})
        eventually(lambda: self.mirrored()["lag"] == 0 and self.mirrored()["size"] > made["size"], "the mirror is ahead")
        record = self.world.http("GET", "/v1/events/1").body
        self.world.kill()
        into = ["backup", "restore", "--from", str(self.backups), "--data", str(self.restored), "--checkpoint", str(self.mirror)]
        refused = self.run_cli(*into, code=1)
        self.assertIn("are lost", refused.stderr)
        self.assertEqual([p.name for p in self.restored.iterdir()], ["headgate.lock"])
        done = json.loads(self.run_cli(*into, "--origin", "second.headgate.test", "-o", "json").stdout)
        self.assertTrue(done["origin_changed"] and done["lost"] > 0)
        self.use(self.restored, origin="second.headgate.test")
        created = self.world.events("log.created")
        self.assertEqual(len(created), 2)
        self.assertEqual(created[1]["id"], str(made["size"]))
        self.assertEqual(created[1]["source"], "second.headgate.test/log")
        previous = created[1]["data"]["previous"]
        self.assertEqual(previous["origin"], "e2e.headgate.test")
        self.assertEqual(previous["size"], made["size"] + done["lost"])
        self.assertTrue(created[1]["data"]["verifier_key"].startswith("second.headgate.test+"))
        checkpoint = eventually(
            lambda: self.world.http("GET", "/checkpoint", token=None).body.decode().splitlines(), "a checkpoint"
        )
        self.assertEqual(checkpoint[0], "second.headgate.test")
        self.run_cli("log", "verify")
        # A proof from before is as good as ever: its record is still at its place.
        self.assertEqual(self.world.http("GET", "/v1/events/1").body, record)
        self.assertTrue(proves(proof, record))
        self.assertFalse(proves(proof, record + b" "))
        self.assertTrue(proves(self.world.http("GET", "/v1/events/1/proof").body, record))
        # Its mirror is another history now, and is left as it is.
        error = eventually(lambda: self.mirrored()["error"], "the mirror is refused")
        self.assertIn("history", error + " history" if "lost" in error else error)
        self.world.stop()
        self.run_cli("log", "verify", "--data", str(self.restored))

    def test_a_log_is_rebuilt_from_its_mirror(self):
        self.begin()
        eventually(lambda: self.mirrored()["lag"] == 0 and self.mirrored()["size"] >= self.size(), "the mirror is in step")
        self.assertIn(b"headgate_mirror_lag_records 0", self.world.http("GET", "/metrics").body)
        key = (self.world.data / "log.key").read_text()
        self.world.kill()
        token = (self.world.data / "admin.token").read_text()
        done = self.run_cli("backup", "restore", "--from-mirror", str(self.mirror), "--data", str(self.restored))
        self.assertIn("signing key is missing", done.stdout)
        self.assertIn("people directory is missing", done.stdout)
        file = self.restored / "log.key"
        file.write_text(key)
        file.chmod(0o600)
        (self.world.data / "admin.token").write_text(token)
        self.use(self.restored)
        self.assertTrue(self.world.http("GET", "/v1/state").json["effects"]["paused"])
        self.run_cli("effects", "resume", "--reason", "looked at it")
        self.world.wish("v2")
        self.world.push("second")
        eventually(lambda: self.world.current() == "v2", "v2 runs in staging")
        # The mirror goes on from where it was: it is the same history.
        eventually(lambda: self.mirrored()["lag"] == 0 and not self.mirrored()["error"], "the mirror is in step again")
        self.run_cli("log", "verify")

    def test_a_damaged_mirror_is_refused(self):
        self.begin()
        eventually(lambda: self.mirrored()["lag"] == 0 and self.mirrored()["size"] >= self.size(), "the mirror is in step")
        self.world.kill()
        bundles = [p for p in (self.mirror / "tile" / "entries").rglob("*") if p.is_file()]
        bundle = max(bundles, key=lambda p: int(p.name))  # narrower ones are those of earlier checkpoints
        data = bytearray(bundle.read_bytes())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(bytes(data))
        refused = self.run_cli("backup", "restore", "--from-mirror", str(self.mirror), "--data", str(self.restored), code=1)
        self.assertIn("altered", refused.stderr)
        self.assertFalse((self.restored / "db").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
