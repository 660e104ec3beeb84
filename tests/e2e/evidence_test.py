"""What a stranger is given: evidence bundles that verify.py takes and tampered ones that it refuses; checkpoints that a
witness cosigns and that a Git repository keeps."""

import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest
import zipfile

from witness import Witness
from world import World, eventually

VERIFIER = pathlib.Path(__file__).parents[2] / "deploy/evidence/verify.py"


class Evidence(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def begin(self, extra=""):
        self.world.write_config(extra)
        self.world.hooks()
        self.world.documents()
        self.world.wish("v1")
        self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "v1 runs in staging")

    def bundle(self, query=""):
        answer = self.world.http("GET", "/v1/evidence" + query)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/zip")
        with zipfile.ZipFile(io.BytesIO(answer.body)) as bundle:
            self.assertIsNone(bundle.testzip())
            return answer.body, {name: bundle.read(name) for name in bundle.namelist()}

    def unpacked(self, bundle):
        """The folder of the bytes of a zip, or of files by name."""
        folder = self.world.root / "evidence"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if isinstance(bundle, bytes):
            with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
                zipped.extractall(folder)
            return folder
        for name, content in bundle.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    def verify(self, bundle, *arguments):
        """Of what is to be unpacked, or of a path."""
        path = bundle if isinstance(bundle, pathlib.Path) else self.unpacked(bundle)
        return subprocess.run(
            [sys.executable, "-I", str(VERIFIER), str(path), *arguments],
            env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120,
        )

    def log_key(self):
        return self.world.events("log.created")[0]["data"]["verifier_key"]

    def test_a_stranger_verifies_a_bundle(self):
        self.begin()
        zipped, files = self.bundle("?type=*&service=greeter")
        self.assertEqual(files["verify.py"], VERIFIER.read_bytes())
        self.assertIn(b"verify.py", files["README.md"])
        index = json.loads(files["index.json"])
        matching = [e for e in self.world.events("*") if e.get("service") == "greeter"]
        self.assertGreater(len(matching), 10)
        self.assertEqual(index["records"], [int(e["id"]) for e in matching if int(e["id"]) < index["export"]])
        for position in index["records"]:
            stored = self.world.http("GET", f"/v1/events/{position}").body
            self.assertEqual(files[f"records/{position}.json"], stored)
        exported = self.world.events("audit.exported")
        self.assertEqual(len(exported), 1)
        self.assertEqual(
            exported[0]["data"],
            {"kind": "evidence", "filter": "type=*&service=greeter", "records": len(index["records"]), "size": index["export"]},
        )
        self.assertTrue(exported[0]["actor"].startswith("token:"))
        key = self.log_key()
        self.world.stop()
        good = self.verify(zipped, "--key", key)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn(f"OK: {len(index['records'])} records", good.stdout)
        self.assertNotIn("compare this key", good.stdout)
        self.assertIn(key, self.verify(zipped).stdout)
        other = self.verify(zipped, "--key", self.key_of_algorithm(1))
        self.assertEqual(other.returncode, 1)
        self.assertIn("not the one that you gave", other.stderr)

    def test_the_command_line(self):
        self.begin()
        file = self.world.root / "out.zip"
        arguments = ("log", "export", "--evidence", "--type", "promotion.*", "--from", "2020-01-01T00:00:00+01:00", "-o", str(file))
        done = self.world.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        good = self.verify(file.read_bytes())
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("type=promotion.*&from=2019-12-31T23:00:00.000000Z", good.stdout)
        again = self.world.cli(*arguments)
        self.assertEqual(again.returncode, 2)
        self.assertIn("exists", again.stderr)
        whole, files = self.bundle()
        good = self.verify(whole)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("filter: 'none'", good.stdout)
        empty, files = self.bundle("?service=nobody")
        self.assertEqual(json.loads(files["index.json"])["records"], [])
        self.assertEqual(self.verify(empty).returncode, 0)

    def test_of_a_log_at_rest(self):
        self.begin()
        key = self.log_key()
        self.assertEqual(self.world.stop(), 0)
        file = self.world.root / "rest.zip"
        size = json.loads(self.world.cli("log", "stat", "--data", str(self.world.data), "-o", "json").stdout)["records"]
        arguments = ("log", "export", "--evidence", "--data", str(self.world.data), "--type", "promotion.*", "-o", str(file))
        done = self.world.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        good = self.verify(file.read_bytes(), "--key", key)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn(f"under its checkpoint of {size} records", good.stdout)
        self.assertIn("the log holds no record of this export", good.stdout)
        with zipfile.ZipFile(file) as bundle:
            files = {name: bundle.read(name) for name in bundle.namelist()}
        index = json.loads(files["index.json"])
        self.assertIsNone(index["export"])
        self.assertGreater(len(index["records"]), 2)
        name = f"records/{index['records'][0]}.json"
        files[name] = files[name].replace(b"greeter", b"greeted", 1)
        self.assertEqual(self.verify(files, "--key", key).returncode, 1)
        nonsense = self.world.cli(*arguments[:-1], str(self.world.root / "other.zip"), "--from", "yesterday")
        self.assertEqual(nonsense.returncode, 2)

    def test_who_may_have_one(self):
        self.begin()
        viewer = self.world.cli("token", "create", "onlooker", "--role", "viewer").stdout.strip()
        auditor = self.world.cli("token", "create", "audit", "--role", "auditor").stdout.strip()
        self.assertEqual(self.world.http("GET", "/v1/evidence", token=None).status, 401)
        self.assertEqual(self.world.http("GET", "/v1/evidence", token=viewer).status, 403)
        self.assertEqual(self.world.http("GET", "/v1/evidence?servce=greeter", token=auditor).status, 400)
        self.assertEqual(self.world.http("GET", "/v1/evidence?from=yesterday", token=auditor).status, 400)
        self.assertEqual(self.world.http("HEAD", "/v1/evidence", token=auditor).status, 405)
        self.assertEqual(self.world.events("audit.exported"), [])
        self.assertEqual(self.world.http("GET", "/v1/evidence?type=gate.*", token=auditor).status, 200)
        self.assertEqual(len(self.world.events("audit.exported")), 1)

    def test_tampered_bundles_are_refused(self):
        self.begin()
        self.tamper(*self.bundle("?service=greeter"))

    def tamper(self, zipped, files):
        index = json.loads(files["index.json"])
        first, second = index["records"][:2]
        record, proof = f"records/{first}.json", f"proofs/{first}.tlog-proof"
        record2, proof2 = f"records/{second}.json", f"proofs/{second}.tlog-proof"
        export = f"records/{index['export']}.json"

        def with_index(**changes):
            return {**files, "index.json": json.dumps({**index, **changes}).encode()}

        def without(source, *names):
            return {name: content for name, content in source.items() if name not in names}

        def flipped(name, at):
            content = bytearray(files[name])
            content[at] ^= 1
            return {**files, name: bytes(content)}

        others = index["records"][1:]
        checkpoint = files["checkpoint"]
        signature_at = checkpoint.rindex(b" ") + 20
        key = files["verifier.key"]
        cases = [
            ("a byte of a record", flipped(record, -3), "is not what the log holds there"),
            ("the end of a record", {**files, record: files[record] + b" "}, "is not what the log holds there"),
            ("a byte of the export's record", flipped(export, -3), "is not what the log holds there"),
            ("a byte of a proof", {**files, proof: self.with_hash_flipped(files[proof])}, "it or its proof was altered"),
            ("a proof that is cut", {**files, proof: self.without_hash(files[proof])}, "it or its proof was altered"),
            ("the place in a proof", {**files, proof: files[proof].replace(f"index {first}\n".encode(), f"index {second}\n".encode())}, "is of another"),
            ("another proof", {**files, proof: files[proof2]}, "is of another"),
            ("two records swapped", {**files, record: files[record2], record2: files[record]}, "is not what the log holds there"),
            ("both halves swapped", {**files, record: files[record2], record2: files[record], proof: files[proof2], proof2: files[proof]}, "is of another"),
            ("the size in the checkpoint", {**files, "checkpoint": checkpoint.replace(b"\n", b"\n1", 1)}, "the checkpoint's signature is wrong"),
            ("the root in the checkpoint", flipped("checkpoint", checkpoint.index(b"\n\n") - 10), "the checkpoint's signature is wrong"),
            ("the signature of the checkpoint", flipped("checkpoint", signature_at), ""),
            ("the name in the checkpoint", {**files, "checkpoint": b"x" + checkpoint}, "the checkpoint's signature is wrong"),
            ("a byte of the key", flipped("verifier.key", key.index(b"+", key.index(b"+") + 1) + 10), ""),
            ("the id of the key", flipped("verifier.key", key.index(b"+") + 1), "was altered"),
            ("a key of somebody else", {**files, "verifier.key": self.key_of_algorithm(4).encode()}, "is no verifier key of algorithm 1"),
            ("a record left out of the index", with_index(records=others), "which index.json does not name"),
            ("a record left out of everything", without(with_index(records=others), record, proof), "the log recorded an export of"),
            ("a record twice in the index", with_index(records=[second, *others]), "a position twice"),
            ("a record that is not there", with_index(records=[*index["records"], 10**9]), "the bundle lacks"),
            ("another record as the export", with_index(export=first, records=[index["export"], *others]), "records no export"),
            ("no proof", without(files, proof), "the bundle lacks " + proof),
            ("no checkpoint", without(files, "checkpoint"), "the bundle lacks checkpoint"),
            ("no index", without(files, "index.json"), "it cannot be read"),
            ("an index that is no JSON", {**files, "index.json": b"{"}, "it cannot be read"),
            ("an index of texts", with_index(records=["../x", *others]), "a position that is no number"),
            ("an index of another shape", {**files, "index.json": b"[]"}, "it cannot be read"),
            ("a file that the index does not name", {**files, "records/more/1.json": b"x"}, "'records/more/1.json', which index.json does not name"),
            ("bytes that are no text", {**files, "checkpoint": b"\xff\xfe"}, "it cannot be read"),
            ("an empty key", {**files, "verifier.key": b""}, "this is no verifier key"),
            ("a huge file", {**files, record: b" " * (5 << 20)}, "is larger than"),
        ]
        for what, content, words in cases:
            with self.subTest(what):
                refused = self.verify(content)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertTrue(refused.stderr.startswith("REFUSED: "), refused.stderr)
                self.assertIn(words, refused.stderr)
                self.assertEqual(refused.stdout, "")
        # The other half of every refusal: written anew without a change it is good.
        self.assertEqual(self.verify(files).returncode, 0)
        unopened = self.world.root / "evidence.zip"
        unopened.write_bytes(zipped)
        refused = self.verify(unopened)
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("unpack the bundle", refused.stderr)

    def test_what_is_read_is_what_was_verified(self):
        self.begin()
        zipped, files = self.bundle("?service=greeter")
        record = f"records/{json.loads(files['index.json'])['records'][0]}.json"
        forged = files[record].replace(b"greeter", b"grafter")
        folder = self.unpacked(zipped)
        good = self.verify(folder)
        self.assertEqual(good.returncode, 0, good.stderr)

        def refuses(what, bundle, words):
            with self.subTest(what):
                refused = self.verify(bundle)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(words, refused.stderr)

        (folder / record).write_bytes(forged)
        refuses("a forged file", folder, "is not what the log holds there")
        (folder / record).rename(self.world.root / "elsewhere")
        refuses("a missing file", folder, "the bundle lacks " + record)
        (self.world.root / "elsewhere").write_bytes(files[record])
        (folder / record).symlink_to(self.world.root / "elsewhere")
        refuses("a link", folder, "no regular file")
        (folder / record).unlink()
        (folder / record).write_bytes(files[record])
        (folder / "proofs/.more").write_bytes(b"")
        refuses("another file", folder, "'proofs/.more', which index.json does not name")

    def test_a_bundle_cannot_make_the_verifier_stumble(self):
        self.begin()
        _, files = self.bundle("?service=greeter")
        key = files["verifier.key"].decode()
        forged_name = "x\x1b[2K\rOK: all is well+00000000+" + key.split("+", 2)[2]
        for what, content, words in (
            ("a name that writes to the terminal", {**files, "verifier.key": forged_name.encode()}, "was altered"),
            ("a deeply nested index", {**files, "index.json": b"[" * 1_000_000}, "RecursionError"),
            ("half a gigabyte", None, "holds more than"),
        ):
            with self.subTest(what):
                if content is None:
                    content = self.unpacked(files)
                    for n in range(130):  # of holes alone
                        with open(content / f"more-{n}", "wb") as file:
                            file.truncate(4 << 20)
                refused = self.verify(content)
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertTrue(refused.stderr.startswith("REFUSED: "), refused.stderr[-500:])
                self.assertIn(words, refused.stderr)
                self.assertTrue(refused.stderr.rstrip("\n").isprintable(), repr(refused.stderr))

    @staticmethod
    def key_of_algorithm(algorithm):
        data = bytes([algorithm]) + bytes(32)
        return f"other+{hashlib.sha256(b'other' + bytes([10]) + data).hexdigest()[:8]}+{base64.b64encode(data).decode()}"

    @staticmethod
    def with_hash_flipped(proof):
        lines = proof.split(b"\n")
        digest = bytearray(base64.b64decode(lines[2]))
        digest[0] ^= 1
        lines[2] = base64.b64encode(bytes(digest))
        return b"\n".join(lines)

    @staticmethod
    def without_hash(proof):
        lines = proof.split(b"\n")
        return b"\n".join(lines[:2] + lines[3:])

    # ------------------------------------------------------------------------------- witnesses and Git

    def test_a_witness_cosigns(self):
        witness = Witness()
        self.addCleanup(witness.close)
        self.begin(f"checkpoints: {{witnesses: [{{url: \"{witness.url}\", key: \"{witness.key}\"}}]}}\n")
        # Until the witness is told of the log it refuses, and nothing waits for it.
        eventually(lambda: 403 in witness.answers, "the witness was asked")
        self.assertNotIn(witness.name, self.world.http("GET", "/checkpoint").body.decode())
        self.assertIn("does not trust the log's key", self.world.log.read_text())
        witness.log_key = self.log_key()
        cosigned = eventually(self.cosigned(witness), "the checkpoint is cosigned", 60)
        self.assertEqual(cosigned.split("\n")[1], str(witness.size))
        zipped, files = self.bundle("?service=greeter")
        self.assertEqual(files["witness.keys"].decode(), witness.key + "\n")
        good = self.verify(zipped, "--key", self.log_key())
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn(f"says a key that came with this bundle: cosigned by the witness '{witness.name}'", good.stdout)
        named = self.verify(zipped, "--key", self.log_key(), "--witness", witness.key)
        self.assertEqual(named.returncode, 0, named.stderr)
        self.assertIn(f"    cosigned by the witness '{witness.name}'", named.stdout)
        self.assertNotIn("came with this bundle", named.stdout)
        # Whoever makes the bundle can bring a witness of the same name; that is not the one that was named.
        stranger = Witness()
        self.addCleanup(stranger.close)
        refused = self.verify(zipped, "--witness", witness.key, "--witness", stranger.key)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("bears no cosignature of the witness", refused.stderr)
        checkpoint = files["checkpoint"].decode()
        for what, content, words in (
            ("no cosignature", checkpoint[: checkpoint.index(f"\u2014 {witness.name}")], "bears no cosignature"),
            ("a wrong one", self.with_cosignature_flipped(checkpoint, witness), "cosignature of the witness"),
        ):
            with self.subTest(what):
                refused = self.verify(self.with_checkpoint(files, content))
                self.assertEqual(refused.returncode, 1, refused.stdout)
                self.assertIn(words, refused.stderr)
        # After a restart the size is asked of the witness; the log has grown meanwhile.
        self.assertEqual(self.world.stop(), 0)
        before, seen = witness.size, len(witness.answers)
        self.world.start()
        eventually(lambda: witness.size > before and len(witness.answers) >= seen + 2, "the witness follows", 60)
        self.assertEqual(witness.answers[seen:][:2], [409, 200])
        metrics = self.world.http("GET", "/metrics").body.decode()
        self.assertIn(f'headgate_checkpoint_publications_total{{outcome="succeeded",to="witness {witness.name}"}}', metrics)

    def cosigned(self, witness):
        def look():
            text = self.world.http("GET", "/checkpoint").body.decode()
            return text if f"\u2014 {witness.name} " in text else None

        return look

    @staticmethod
    def with_checkpoint(files, checkpoint):
        changed = dict(files)
        for name, content in files.items():
            if name.startswith("proofs/"):
                changed[name] = content.split(b"\n\n")[0] + b"\n\n" + checkpoint.encode()
        changed["checkpoint"] = checkpoint.encode()
        return changed

    @staticmethod
    def with_cosignature_flipped(checkpoint, witness):
        begin = checkpoint.index(f"\u2014 {witness.name} ")
        line = checkpoint[begin:].split("\n")[0]
        data = bytearray(base64.b64decode(line.split(" ")[2]))
        data[40] ^= 1
        return checkpoint.replace(line, f"\u2014 {witness.name} {base64.b64encode(bytes(data)).decode()}")

    def test_checkpoints_go_to_git(self):
        audit = self.world.root / "audit.git"
        self.world.git("init", "--quiet", "--bare", str(audit), cwd=self.world.root)
        hidden = self.world.root / "hidden.git"
        self.begin(f"checkpoints: {{git: {{url: \"{audit}\", branch: checkpoints, every: 200ms}}}}\n")

        def pushed():
            return self.world.git("--git-dir", str(audit), "show", "checkpoints:checkpoint", cwd=self.world.root, check=False)

        def newest():
            text = self.world.http("GET", "/checkpoint").body.decode().strip()
            return text if pushed() == text else None

        eventually(newest, "the newest checkpoint is in the repository")
        audit.rename(hidden)
        self.world.wish("v2")
        self.world.push("second")
        eventually(lambda: self.world.current() == "v2", "v2 runs though no checkpoint can be pushed")
        eventually(lambda: "could not be brought to git" in self.world.log.read_text(), "the log tells of it")
        hidden.rename(audit)
        eventually(newest, "the newest checkpoint is there again")
        count = int(self.world.git("--git-dir", str(audit), "rev-list", "--count", "checkpoints", cwd=self.world.root))
        self.assertGreaterEqual(count, 2)
        sizes = [
            int(self.world.git("--git-dir", str(audit), "show", f"{sha}:checkpoint", cwd=self.world.root).split("\n")[1])
            for sha in self.world.git("--git-dir", str(audit), "rev-list", "checkpoints", cwd=self.world.root).split()
        ]
        self.assertEqual(sizes, sorted(sizes, reverse=True), "the history only grows")
        self.assertEqual(self.world.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
