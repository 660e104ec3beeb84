"""The log as strangers check it: by Go's transparency log packages and by `headgate log verify`, against a real server
and against one that lies."""

import contextlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from world import BINARY, World, eventually

VERIFY_LOG = os.environ["VERIFY_LOG"]
EVENTS = 600  # two full tiles and a part of one


class Liar(http.server.ThreadingHTTPServer):
    """Passes every GET on to the server and alters what comes back."""

    daemon_threads = True

    def __init__(self, world, alter):
        self.world, self.alter = world, alter
        super().__init__(("127.0.0.1", 0), LiarHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class LiarHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.server.world.port}{self.path}")
        for name in ("Authorization", "Accept"):
            if self.headers[name]:
                request.add_header(name, self.headers[name])
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, body = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        body = self.server.alter(self.path, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def flipped(body, at):
    """The same bytes but for one bit."""
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def on(path, change):
    return lambda asked, body: change(body) if re.fullmatch(path, asked) else body


class LogVerification(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.world.hooks()
        cls.world.documents()
        cls.world.push("first")
        cls.world.start()
        cls.fill(cls.world, 40)
        cls.earlier = cls.keep_checkpoint("earlier", at_least=40)
        cls.fill(cls.world, EVENTS)
        cls.newest = cls.keep_checkpoint("newest", at_least=EVENTS)
        cls.key = cls.world.http("GET", "/v1/log/keys").json["keys"][-1]["verifier_key"]

    @staticmethod
    def fill(world, count):
        size = len(world.events("token.created"))
        for i in range(count):
            answer = world.http("POST", "/v1/tokens", body={"name": f"t{size + i}"})
            assert answer.status == 201, answer.body

    @classmethod
    def checkpoint(cls):
        return cls.world.http("GET", "/checkpoint", token=None).body

    @classmethod
    def keep_checkpoint(cls, name, at_least):
        """One that is signed at most once a second must be waited for."""
        eventually(lambda: int(cls.checkpoint().split(b"\n")[1]) >= at_least, f"a checkpoint of {at_least} records")
        file = cls.world.root / f"{name}.checkpoint"
        file.write_bytes(cls.checkpoint())
        return file

    def go(self, url, earlier=None):
        arguments = ["-url", url, "-key", self.key, "-token-file", str(self.world.data / "admin.token")]
        if earlier:
            arguments += ["-earlier", str(earlier)]
        return subprocess.run([VERIFY_LOG, *arguments], capture_output=True, text=True, timeout=60)

    def ours(self, url, earlier=None):
        arguments = ["--key", self.key] + (["--checkpoint", str(earlier)] if earlier else [])
        return self.world.cli("log", "verify", "--server", url, *arguments)

    def test_the_log_verifies(self):
        url = f"http://127.0.0.1:{self.world.port}"
        for verifier in (self.go, self.ours):
            for earlier in (None, self.earlier, self.newest):
                done = verifier(url, earlier)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"verified \d{3,} records")
        unpinned = self.world.cli("log", "verify")
        self.assertEqual(unpinned.returncode, 0, unpinned.stderr)
        self.assertIn(self.key, unpinned.stdout)
        self.assertIn("server's own word", unpinned.stdout)

    def test_what_was_altered_is_refused(self):
        earlier_size = self.earlier.read_bytes().split(b"\n")[1]
        older = self.earlier.read_bytes()
        newest = self.newest.read_bytes()
        same_size = older.replace(b"\n" + earlier_size + b"\n", b"\n" + newest.split(b"\n")[1] + b"\n", 1)
        lies = {
            "a full tile": on(r"/tile/0/000", lambda b: flipped(b, 5000)),
            "a partial tile": on(r"/tile/0/002\.p/\d+", lambda b: flipped(b, 3)),
            "a tile of the next level": on(r"/tile/1/000\.p/2", lambda b: flipped(b, 40)),
            "a record": on(r"/tile/entries/001", lambda b: flipped(b, b.index(b'"token:') + 8)),
            "a length": on(r"/tile/entries/000", lambda b: flipped(b, 1)),
            "a bundle cut short": on(r"/tile/entries/000", lambda b: b[:-1]),
            "the size": on("/checkpoint", lambda b: b.replace(b"\n", b"\n1", 1)),
            "the root": on("/checkpoint", lambda b: b.replace(b.split(b"\n")[2], b"A" * 43 + b"=", 1)),
            "the signature": on("/checkpoint", lambda b: b[:-30] + (b"B" if b[-30:-29] == b"A" else b"A") + b[-29:]),
            "another log's name": on("/checkpoint", lambda b: b.replace(b"e2e.headgate.test", b"e2f.headgate.test")),
            "an older tree of the same size": on("/checkpoint", lambda b: same_size),
        }
        for name, alter in lies.items():
            with Liar(self.world, alter) as liar:
                serving = threading.Thread(target=liar.serve_forever, daemon=True)
                serving.start()
                for verifier in (self.go, self.ours):
                    with self.subTest(altered=name, verifier=verifier.__name__):
                        done = verifier(liar.url)
                        self.assertIn(done.returncode, (1, 2), done.stdout)
                        self.assertNotIn("verified", done.stdout)
                liar.shutdown()
                serving.join()

    def test_an_empty_checkpoint_or_key_is_not_the_same_as_none(self):
        empty = self.world.root / "empty"
        empty.write_bytes(b"")
        url = f"http://127.0.0.1:{self.world.port}"
        for what in ("--checkpoint", "--key"):
            for given in ("", str(empty)):
                with self.subTest(option=what, given=given):
                    done = self.world.cli("log", "verify", "--server", url, what, given)
                    self.assertEqual(done.returncode, 2, done.stdout)
                    self.assertEqual(done.stdout, "")

    def test_an_earlier_checkpoint_that_nobody_signed_says_nothing_of_the_history(self):
        url = f"http://127.0.0.1:{self.world.port}"
        forged = self.world.root / "forged.checkpoint"
        text = self.earlier.read_bytes()
        root = text.split(b"\n")[2]
        for change in (text.replace(b"\n", b"\n9", 1), text.replace(root, b"A" * 43 + b"=", 1)):
            forged.write_bytes(change)
            refused = self.ours(url, forged)
            self.assertEqual(refused.returncode, 1, refused.stdout)
            self.assertIn("is not signed by", refused.stderr)

    def test_what_is_no_checkpoint_is_no_answer(self):
        for garbage in (b"", b"<html>a proxy</html>\n", b"a text\n\n\xe2\x80\x94 e2e.headgate.test AAAAAAA=\n"):
            with Liar(self.world, on("/checkpoint", lambda b, garbage=garbage: garbage)) as liar:
                threading.Thread(target=liar.serve_forever, daemon=True).start()
                key = ("--key", self.key)
                for verb in (("verify",), ("verify", *key), ("stat",), ("checkpoint",)):
                    with self.subTest(verb=verb, garbage=garbage):
                        done = self.world.cli("log", *verb, "--server", liar.url)
                        self.assertEqual(done.returncode, 3, done.stderr)
                        self.assertEqual(done.stdout, "")
                        self.assertIn("no checkpoint", done.stderr)
                        self.assertNotIn("rotated", done.stderr)
                self.assertIn(self.go(liar.url).returncode, (1, 2))
                liar.shutdown()

    def test_history_that_was_taken_back_is_refused(self):
        older = self.earlier.read_bytes()
        with Liar(self.world, on("/checkpoint", lambda b: older)) as liar:
            threading.Thread(target=liar.serve_forever, daemon=True).start()
            for verifier in (self.go, self.ours):
                self.assertEqual(verifier(liar.url).returncode, 0)  # nobody who sees only this can tell
                refused = verifier(liar.url, self.newest)
                self.assertEqual(refused.returncode, 1, refused.stdout)
            liar.shutdown()

    def test_a_second_history_under_the_same_key_is_refused(self):
        with contextlib.closing(World()) as fork:
            fork.hooks()
            fork.documents()
            fork.push("first")
            fork.data.mkdir(mode=0o700)
            shutil.copy2(self.world.data / "log.key", fork.data / "log.key")
            fork.start()
            self.fill(fork, EVENTS + 60)
            url = f"http://127.0.0.1:{fork.port}"
            newest = int(self.newest.read_bytes().split(b"\n")[1])
            eventually(
                lambda: int(fork.http("GET", "/checkpoint", token=None).body.split(b"\n")[1]) > newest, "a longer fork"
            )
            honest, self.world = self.world, fork
            try:
                for verifier in (self.go, self.ours):
                    whole = verifier(url)
                    self.assertEqual(whole.returncode, 0, whole.stderr)
                    for earlier in (self.earlier, self.newest):
                        refused = verifier(url, earlier)
                        self.assertEqual(refused.returncode, 1, refused.stdout)
            finally:
                self.world = honest


class LogVerbs(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.hooks()
        self.world.documents()
        self.world.push("first")

    def stopped(self, *arguments, env=None):
        environment = {"PATH": os.environ["PATH"], **(env or {})}
        return subprocess.run(
            [BINARY, "log", *arguments, "--data", str(self.world.data)], capture_output=True, env=environment, timeout=60
        )

    def test_export_proof_and_stat_are_the_same_on_a_server_and_on_its_stopped_data(self):
        self.world.start()
        LogVerification.fill(self.world, 20)
        size = eventually(
            lambda: (s := int(self.world.http("GET", "/checkpoint", token=None).body.split(b"\n")[1])) > 20 and s, "signed"
        )
        records = self.world.http("GET", "/v1/events", headers={"Accept": "application/x-ndjson"}).body.splitlines()
        file = self.world.root / "all.ndjson"
        whole = self.world.cli("log", "export", "-o", str(file))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertEqual(file.read_bytes().splitlines()[: len(records)], records)
        some = self.world.cli("log", "export", "--from", "3", "--to", "9")
        self.assertEqual(some.stdout.encode().splitlines(), records[3:9])
        moment = json.loads(records[5])["time"]
        until = self.world.cli("log", "export", "--to", moment).stdout.encode().splitlines()
        self.assertEqual(until, [r for r in records if json.loads(r)["time"] < moment])
        limited = self.world.http("POST", "/v1/tokens", body={"name": "limited", "roles": ["viewer"]}).json["token"]
        refused = self.world.cli("log", "export", token=limited)
        self.assertEqual(refused.returncode, 4, refused.stderr)
        bad = self.world.cli("log", "export", "--from", "yesterday")
        self.assertEqual(bad.returncode, 2, bad.stderr)
        self.assertIn("yesterday", bad.stderr)
        proof = self.world.cli("log", "proof", "2")
        self.assertTrue(proof.stdout.startswith("c2sp.org/tlog-proof@v1\nindex 2\n"), proof.stderr)
        self.assertEqual(self.world.cli("log", "proof", "1000000").returncode, 1)
        for nothing in ("", "-1", "1x", str(2**64)):
            refused = self.world.cli("log", "proof", nothing)
            self.assertEqual(refused.returncode, 2, refused.stdout)
            self.assertIn("no position", refused.stderr)
        stat = json.loads(self.world.cli("log", "stat", "-o", "json").stdout)
        self.assertGreaterEqual(stat["records"], size)
        checkpoint = self.world.root / "old.checkpoint"
        checkpoint.write_text(self.world.cli("log", "checkpoint").stdout)
        self.assertEqual(self.stopped("stat").returncode, 3)  # the server has it open
        self.world.stop()

        kept, record = self.world.root / "2.tlog-proof", self.world.root / "2.json"
        kept.write_text(proof.stdout)
        key = stat["keys"][-1]["verifier_key"]
        for text, said, code in ((records[2] + b"\n", "record 2 of the ", 0), (records[3], "is not proven", 1)):
            record.write_bytes(text)
            alone = self.world.cli("log", "verify", "--proof", str(kept), "--record", str(record), "--key", key)
            self.assertEqual(alone.returncode, code, alone.stderr)
            self.assertIn(said, alone.stdout + alone.stderr)
        self.assertEqual(self.world.cli("log", "verify", "--proof", str(kept), "--key", key).returncode, 2)

        # Nothing is written: a copy without the lock stays as it is.
        copy = self.world.root / "copy"
        shutil.copytree(self.world.data, copy)
        (copy / "headgate.lock").unlink()
        held = {f: f.stat().st_mtime_ns for f in copy.rglob("*")}
        for verb in (("stat",), ("verify",), ("proof", "2"), ("checkpoint",), ("export",)):
            of_copy = self.world.cli("log", *verb, "--data", str(copy))
            self.assertEqual(of_copy.returncode, 0, of_copy.stderr)
        self.assertEqual({f: f.stat().st_mtime_ns for f in copy.rglob("*")}, held)

        again = self.stopped("export", "--from", "3", "--to", "9")
        self.assertEqual(again.stdout.splitlines(), records[3:9], again.stderr)
        self.assertEqual(self.stopped("export", "--to", moment).stdout.splitlines(), until)
        stopped_stat = json.loads(self.stopped("stat", "-o", "json").stdout)
        self.assertEqual(stopped_stat["keys"], stat["keys"])
        self.assertTrue(self.stopped("proof", "2").stdout.startswith(b"c2sp.org/tlog-proof@v1\nindex 2\n"))
        newest = self.stopped("checkpoint")
        self.assertEqual(newest.stdout.split(b"\n")[:2], [b"e2e.headgate.test", str(stopped_stat["records"]).encode()])
        verified = self.stopped("verify", "--checkpoint", str(checkpoint))
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertIn(b"among them those of the checkpoint", verified.stdout)
        checkpoint.write_bytes(flipped(checkpoint.read_bytes(), 30))
        self.assertEqual(self.stopped("verify", "--checkpoint", str(checkpoint)).returncode, 1)
        checkpoint.write_bytes(b"")
        for option, given in (("--checkpoint", str(checkpoint)), ("--checkpoint", ""), ("--key", "")):
            refused = self.stopped("verify", option, given)
            self.assertEqual(refused.returncode, 2, refused.stdout)
            self.assertEqual(refused.stdout, b"")
        with open("/dev/full", "wb") as full:
            for verb in (("stat",), ("stat", "-o", "json"), ("verify",), ("proof", "2"), ("checkpoint",), ("export",)):
                done = subprocess.run([BINARY, "log", *verb, "--data", str(self.world.data)], stdout=full, timeout=60)
                self.assertEqual(done.returncode, 3, verb)

    def test_an_export_leaves_what_is_no_plain_file_as_it_is(self):
        self.world.start()
        self.world.stop()
        whole = self.stopped("export").stdout
        self.assertGreater(len(whole), 0)
        pipe, link, target = (self.world.root / name for name in ("pipe", "link", "target"))
        os.mkfifo(pipe)
        with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
            done = self.stopped("export", "-o", str(pipe))
            self.assertEqual(done.returncode, 0, done.stderr)
            if not pipe.is_fifo():  # the reader would wait for ever
                reader.kill()
            self.assertTrue(pipe.is_fifo())
            self.assertEqual(reader.stdout.read(), whole)
        link.symlink_to(target)
        for before in (None, b"longer than the export" * 10_000):
            if before:
                target.write_bytes(before)
            done = self.stopped("export", "-o", str(link))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(link.is_symlink())
            self.assertEqual(target.read_bytes(), whole)
        # A plain file is the old one or the new one, and nothing is left beside it.
        self.assertEqual(self.stopped("export", "-o", str(target)).returncode, 0)
        self.assertEqual(target.read_bytes(), whole)
        self.assertEqual(self.stopped("export", "--from", "never", "-o", str(target)).returncode, 2)
        self.assertEqual(target.read_bytes(), whole)
        self.assertEqual(list(self.world.root.glob("*.part")), [])

    def refused_start(self, *arguments, env=None):
        done = subprocess.run(
            [BINARY, "serve", "--config", str(self.world.config), "--log-format", "text", *arguments],
            capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], **(env or {})},
        )  # fmt: skip
        self.assertIn("cannot start", done.stderr)
        return done

    def test_keys_are_rotated_on_purpose_only(self):
        key = self.world.data / "log.key"
        self.world.start()
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        LogVerification.fill(self.world, 5)
        old_checkpoint = self.world.root / "old.checkpoint"
        old_checkpoint.write_bytes(
            eventually(
                lambda: (c := self.world.http("GET", "/checkpoint", token=None).body) and int(c.split(b"\n")[1]) > 5 and c,
                "a checkpoint under the first key",
            )
        )
        old_key = json.loads(self.world.cli("log", "stat", "-o", "json").stdout)["keys"][0]["verifier_key"]
        self.world.stop()

        key.chmod(0o640)
        refused = self.refused_start()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("mode 0640, expected 0600", refused.stderr)
        key.chmod(0o600)

        key.rename(self.world.root / "first.key")
        refused = self.refused_start()
        self.assertEqual(refused.returncode, 1)
        self.assertIn(old_key, refused.stderr)
        self.assertIn("--rotate-key", refused.stderr)
        self.assertFalse(key.exists(), "a key was made that nobody asked for")

        self.world.start(arguments=["--rotate-key"])
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        rotated = self.world.events("key.rotated")
        self.assertEqual(len(rotated), 1)
        self.assertEqual(rotated[0]["data"]["previous"], old_key)
        new_key = rotated[0]["data"]["verifier_key"]
        position = int(rotated[0]["id"])
        keys = self.world.http("GET", "/v1/log/keys").json["keys"]
        self.assertEqual(
            keys,
            [
                {"verifier_key": old_key, "from": 0, "until": position},
                {"verifier_key": new_key, "from": position, "until": None},
            ],
        )
        eventually(
            lambda: int(self.world.http("GET", "/checkpoint", token=None).body.split(b"\n")[1]) > position, "signed anew"
        )
        for given, code in ((new_key, 0), (old_key, 1)):
            done = self.world.cli("log", "verify", "--key", given, "--checkpoint", str(old_checkpoint))
            self.assertEqual(done.returncode, code, done.stderr)
        self.world.stop()

        # From the environment, and the old one is not taken back.
        elsewhere = self.world.root / "second.key"
        key.rename(elsewhere)
        refused = self.refused_start(env={"HEADGATE_SIGNING_KEY_FILE": str(self.world.root / "first.key")})
        self.assertEqual(refused.returncode, 1)
        self.assertIn(new_key, refused.stderr)
        verified = self.stopped("verify", "--checkpoint", str(old_checkpoint), "--key", old_key)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        signed = self.stopped("checkpoint", env={"HEADGATE_SIGNING_KEY_FILE": str(elsewhere)})
        self.assertEqual(signed.returncode, 0, signed.stderr)
        wrong = self.stopped("checkpoint", "--signing-key", str(self.world.root / "first.key"))
        self.assertEqual(wrong.returncode, 1)

        # The first key is taken back on purpose: it signs again, and what it signed before its first end stays good.
        shutil.copy2(self.world.root / "first.key", key)
        self.world.start(arguments=["--rotate-key"])
        back = int(self.world.events("key.rotated")[-1]["id"])
        newest = self.world.root / "newest.checkpoint"
        newest.write_bytes(
            eventually(
                lambda: (c := self.world.http("GET", "/checkpoint", token=None).body) and int(c.split(b"\n")[1]) > back and c,
                "signed by the first key again",
            )
        )
        for checkpoint in (old_checkpoint, newest):
            done = self.world.cli("log", "verify", "--key", old_key, "--checkpoint", str(checkpoint))
            self.assertEqual(done.returncode, 0, done.stderr)
        self.world.stop()
        verified = self.stopped("verify", "--checkpoint", str(newest))
        self.assertEqual(verified.returncode, 0, verified.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
