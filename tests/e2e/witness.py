"""A witness of c2sp.org/tlog-witness for the tests, written after the specification and RFC 9162, not after Headgate.

It knows one log, checks its signature and that it only grew, and cosigns. Ed25519 is openssl's.
"""

import base64
import hashlib
import http.server
import pathlib
import struct
import subprocess
import tempfile
import threading
import time

ED25519_DER = bytes.fromhex("302a300506032b6570032100")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False, timeout=30)


def consistent(first, second, first_root, second_root, proof):
    """RFC 9162 2.1.4.2."""
    if first == second:
        return not proof and first_root == second_root
    if not proof:
        return False
    node = lambda left, right: hashlib.sha256(b"\x01" + left + right).digest()
    if first & (first - 1) == 0:
        proof = [first_root, *proof]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (first_root, second_root)


class Witness:
    name = "witness.headgate.test/w1"

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headgate-witness-")
        self.secret = pathlib.Path(self.folder.name) / "key.pem"
        assert openssl("genpkey", "-algorithm", "ed25519", "-out", str(self.secret)).returncode == 0
        public = openssl("pkey", "-in", str(self.secret), "-pubout", "-outform", "DER").stdout[-32:]
        self.id = hashlib.sha256(self.name.encode() + b"\n\x04" + public).digest()[:4]
        self.key = f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + public).decode()}"
        self.log_key = None  # the log's verifier key; none is trusted before
        self.size, self.root = 0, None
        self.answers = []
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/submit/add-checkpoint":
                    status, kind, answer = witness.judge(body)
                else:
                    status, kind, answer = 404, "text/plain", b""
                witness.answers.append(status)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/submit"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def signed_by_log(self, text, lines):
        if self.log_key is None:
            return False
        name, key_id, encoded = self.log_key.split("+", 2)
        for line in lines:
            _, signer, signature = line.split(" ")
            data = base64.b64decode(signature, validate=True)
            if signer != name or data[:4].hex() != key_id:
                continue
            files = [pathlib.Path(self.folder.name) / f for f in ("public", "message", "signature")]
            for file, content in zip(files, (ED25519_DER + base64.b64decode(encoded)[1:], text.encode(), data[4:])):
                file.write_bytes(content)
            return openssl(
                "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(files[0]), "-rawin",
                "-in", str(files[1]), "-sigfile", str(files[2]),
            ).returncode == 0
        return False

    def judge(self, body):
        plain = "text/plain"
        head, note = body.decode().split("\n\n", 1)
        old, *proof = head.split("\n")
        old_size = int(old.removeprefix("old "))
        proof = [base64.b64decode(line, validate=True) for line in proof]
        text, signatures = note.rsplit("\n\n", 1)
        text += "\n"
        _, size, root = text.split("\n")[:3]
        size, root = int(size), base64.b64decode(root, validate=True)
        if not self.signed_by_log(text, signatures.splitlines()):
            return 403, plain, b""
        if old_size > size:
            return 400, plain, b""
        if old_size != self.size or (old_size == size and root != self.root):
            return 409, "text/x.tlog.size", f"{self.size}\n".encode()
        if not (not proof if old_size == 0 else consistent(old_size, size, self.root, root, proof)):
            return 422, plain, b""
        self.size, self.root = size, root
        now = int(time.time())
        message = pathlib.Path(self.folder.name) / "cosigned"
        message.write_text(f"cosignature/v1\ntime {now}\n{text}")
        signature = openssl("pkeyutl", "-sign", "-inkey", str(self.secret), "-rawin", "-in", str(message)).stdout
        line = base64.b64encode(self.id + struct.pack(">Q", now) + signature).decode()
        return 200, plain, f"\u2014 {self.name} {line}\n".encode()
