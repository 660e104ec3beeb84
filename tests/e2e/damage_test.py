"""Damaged data directories, as an operator meets them: what the server says, and what `headgate log repair` does."""

import pathlib
import shutil
import subprocess
import unittest

from world import BINARY, World, eventually


class Damage(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.hooks()
        self.world.documents()
        self.world.wish("v1")
        self.world.push("first")
        self.world.start()
        eventually(lambda: self.world.current() == "v1", "v1 runs in staging")

    def refused(self):
        """The exit code of a start, and what it says."""
        done = subprocess.run(
            [BINARY, "serve", "--config", str(self.world.config)], capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stderr

    def files(self):
        """The database, but for RocksDB's own notes."""
        folder = self.world.data / "db"
        return {f.name: f.read_bytes() for f in folder.iterdir() if f.suffix in (".sst", ".log") or f.name == "CURRENT"}

    def repair(self):
        return self.world.cli("log", "repair", "--data", str(self.world.data))

    def test_records_that_are_missing_are_named_and_nothing_is_changed(self):
        self.world.damaged = True
        self.world.kill()
        wal = max((self.world.data / "db").glob("*.log"), key=lambda f: f.stat().st_size)
        with wal.open("r+b") as file:
            file.truncate(wal.stat().st_size // 2)
        before = self.files()
        code, said = self.refused()
        self.assertEqual(code, 1, said)
        self.assertIn("are missing", said)
        self.assertIn("restore a backup", said)
        repaired = self.repair()
        self.assertEqual(repaired.returncode, 1, repaired.stdout)
        self.assertIn("are missing", repaired.stderr)
        self.assertIn("nothing was changed", repaired.stderr)
        self.assertEqual(self.files(), before)

    def test_what_a_damaged_write_ahead_log_held_behind_the_watermark_is_dropped_and_told(self):
        """The watermark may lag behind what was answered; the last of it is then vouched for by nothing."""
        self.world.kill()
        older = (self.world.data / "watermark").read_bytes()
        self.world.start()
        report = {"service": "greeter", "commit": "1" * 40, "gate": "tests", "status": "passed", "summary": "the last"}
        self.assertLess(self.world.http("POST", "/v1/gates", report).status, 300)
        self.world.kill()
        (self.world.data / "watermark").write_bytes(older)
        wal = max((self.world.data / "db").glob("*.log"), key=lambda f: f.stat().st_size)
        damaged = bytearray(wal.read_bytes())
        damaged[damaged.rindex(b"the last")] ^= 1
        wal.write_bytes(damaged)
        code, said = self.refused()
        self.assertEqual(code, 1, said)
        self.assertIn("headgate log repair", said)
        repaired = self.repair()
        self.assertEqual(repaired.returncode, 1, repaired.stdout + repaired.stderr)
        copy = self.world.data / "damaged" / wal.name
        self.assertIn("the write-ahead log is damaged; what stood there was dropped", repaired.stdout)
        self.assertIn(str(copy), repaired.stdout)
        self.assertNotIn("whole", repaired.stdout)
        self.assertEqual(copy.read_bytes(), bytes(damaged))
        self.assertEqual(self.repair().returncode, 0)
        self.world.start()
        self.assertEqual(self.world.current(), "v1")

    def test_a_watermark_that_is_gone_comes_back_from_an_older_copy(self):
        older = (self.world.data / "watermark").read_bytes()
        self.assertEqual(self.world.stop(), 0)
        (self.world.data / "watermark").unlink()
        code, said = self.refused()
        self.assertEqual(code, 1, said)
        self.assertIn("watermark is missing", said)
        (self.world.data / "watermark").write_bytes(older)
        self.world.start()
        self.assertEqual(self.world.current(), "v1")

    def test_names_that_are_gone_are_told(self):
        self.assertEqual(self.world.stop(), 0)
        shutil.rmtree(self.world.data / "people")
        self.world.start()
        self.assertEqual(self.world.log.read_text().count("people is missing"), 1)

    def test_a_repair_computes_the_rest_from_the_records(self):
        self.assertEqual(self.world.stop(), 0)
        before = self.world.cli("log", "stat", "--data", str(self.world.data)).stdout
        snapshot = next((self.world.data / "snapshots").glob("*.snap"))
        damaged = bytearray(snapshot.read_bytes())
        damaged[-1] ^= 1
        snapshot.write_bytes(damaged)
        repaired = self.repair()
        self.assertEqual(repaired.returncode, 0, repaired.stderr)
        self.assertIn(f"{snapshot.name} dropped", repaired.stdout)
        self.assertFalse(pathlib.Path(snapshot).exists())
        self.assertEqual(self.world.cli("log", "stat", "--data", str(self.world.data)).stdout, before)
        self.world.start()
        self.assertEqual(self.world.current(), "v1")
        self.assertIn("the log is whole", eventually(lambda: self.verified(), "the running server verified its log"))
        self.assertEqual(self.repair().returncode, 3, "a directory in use was repaired")

    def verified(self):
        text = self.world.log.read_text()
        return text if "the log is whole" in text else None


if __name__ == "__main__":
    unittest.main(verbosity=2)
