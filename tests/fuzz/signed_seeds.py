#!/usr/bin/env python3
"""Makes the seeds of the corpora that are signed or binary, and prints what known_log.h and audit_fuzz.cc say of them.

    tests/fuzz/signed_seeds.py          # from anywhere; needs openssl

The keys are hashes of a few words: whoever reads this can sign by them, and nothing but these seeds is.
"""
import base64, hashlib, pathlib, struct, subprocess, tempfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
ORIGIN, WITNESS = "fuzz.headgate.test", "witness.headgate.test/w1"
PRIVATE_DER = bytes.fromhex("302e020100300506032b657004220420")  # what stands before a seed in PKCS #8


def sha(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


def openssl(*arguments, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


class Key:
    def __init__(self, words, name, algorithm):
        self.der = PRIVATE_DER + sha(words.encode())
        public = openssl("pkey", "-inform", "DER", "-in", "key", "-pubout", "-outform", "DER", key=self.der)[-32:]
        self.name, body = name, bytes([algorithm]) + public
        self.id = sha(name.encode() + b"\n" + body)[:4]
        self.text = f"{name}+{self.id.hex()}+{b64(body)}"

    def sign(self, text):
        return openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", "key", "-in", "text",
                       key=self.der, text=text.encode())

    def line(self, text):
        return f"— {self.name} {b64(self.id + self.sign(text))}\n"

    def cosignature(self, text, seconds):
        signature = self.sign(f"cosignature/v1\ntime {seconds}\n{text}")
        return f"— {self.name} {b64(self.id + struct.pack('>Q', seconds) + signature)}\n"


def root(leaves):
    """RFC 6962 section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha(b"\1" + root(leaves[:split]) + root(leaves[split:]))


def path(index, leaves):
    if len(leaves) < 2:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return path(index, leaves[:split]) + [root(leaves[split:])]
    return path(index - split, leaves[split:]) + [root(leaves[:split])]


def leaves(records):
    return [sha(b"\0" + record.encode()) for record in records]


def checkpoint(records):
    return f"{ORIGIN}\n{len(records)}\n{b64(root(leaves(records)))}\n"


def put(name, data):
    file = CORPUS / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)


second, stranger = Key("the second key", ORIGIN, 1), Key("a stranger", "stranger.headgate.test", 1)
witness = Key("the witness", WITNESS, 4)

# ---- notes and proofs of the log "record 0", "record 1", …
note = (CORPUS / "note/checkpoint").read_text()
text = note[:note.index("\n\n") + 1]
seven = [f"record {i}" for i in range(7)]
assert text == checkpoint(seven)
cosignatures = [witness.cosignature(text, seconds) for seconds in (1795186800, 1795190400)]
nine = checkpoint(seven + ["record 7", "record 8"])
put("note/cosigned", note + stranger.line(text) + cosignatures[0] + cosignatures[1])
put("note/rotated", nine + "\n" + second.line(nine))
put("note/both-keys", note + second.line(text))
put("note/name-of-the-log-key-of-another", text + "\n" + stranger.line(text).replace(stranger.name, ORIGIN))
put("note/verifier-key", second.text)


def proof(index, records, signed, extra=""):
    hashes = "".join(b64(hash) + "\n" for hash in path(index, leaves(records)))
    return f"c2sp.org/tlog-proof@v1\n{extra}index {index}\n{hashes}\n{signed}"


for i in range(7):
    put(f"proof/record-{i}-of-7", proof(i, seven, note))
put("proof/extra", proof(4, seven, note, "extra " + b64(b"whatever it is") + "\n"))
put("proof/cosigned", proof(6, seven, note + cosignatures[0]))
put("proof/of-the-rotated-key", proof(8, seven + ["record 7", "record 8"], nine + "\n" + second.line(nine)))
one = checkpoint(seven[:1])
put("proof/the-only-record", proof(0, seven[:1], one + "\n" + second.line(one)))
put("proof/behind-the-end", proof(6, seven, note).replace("index 6", "index 7"))

put("cosignature/cosigned", "200\n" + stranger.line(text) + cosignatures[0])
put("cosignature/of-another-checkpoint", "200\n" + witness.cosignature(nine, 1795186800))
put("cosignature/of-a-time-without-end", "200\n" + witness.cosignature(text, 2**63))
for size in (5, 7, 8):
    put(f"cosignature/has-seen-{size}", f"409\n{size}\n")
put("cosignature/unknown-log", "404\nnot found\n")
put("cosignature/wrong-proof", "422\n")

# ---- a log with a rotated key, as who audits it is answered
first = Key("the first key", ORIGIN, 1)


def record(position, type, data, subject=""):
    subject = f'"subject":"{subject}",' if subject else ""
    return (f'{{"specversion":"1.0","id":"{position}","source":"{ORIGIN}/log","type":"dev.headgate.{type}",'
            f'"time":"2026-11-20T14:55:0{position}.000000Z",{subject}"actor":"engine","data":{data}}}')


honest = [record(0, "log.created.v2", f'{{"origin":"{ORIGIN}","verifier_key":"{first.text}"}}'),
            record(1, "engine.started.v1", '{"version":"0.1.0"}'),
            record(2, "key.rotated.v1", f'{{"verifier_key":"{second.text}","previous":"{first.text}"}}'),
            record(3, "engine.started.v1", '{"version":"0.2.0"}')]


# The second key signs nothing but `honest`: audit_fuzz.cc says that no answers lead to another log.
def answers(records, key):
    bundle = b"".join(struct.pack(">H", len(each)) + each.encode() for each in records)
    tile = b"".join(leaves(records))
    signed = checkpoint(records)
    signed += "\n" + key.line(signed)
    return b"".join(struct.pack(">H", len(each)) + each for each in (signed.encode(), bundle, tile))


put("audit/whole", answers(honest, second))
put("audit/signed-by-the-replaced-key", answers(honest, first))
put("audit/records-taken-back", answers(honest[:1], first))
put("audit/empty", answers([], first))

# ---- bytes


def sector(sequence, size, salt):
    sealed = b"HGWMARK1" + struct.pack("<QQ", sequence, size) + sha(salt)
    return sealed + sha(sealed)


new, old = sector(4, 12, b"new"), sector(3, 11, b"old")
put("watermark/both", new + old)
put("watermark/newest-is-odd", sector(4, 12, b"new") + sector(5, 13, b"newer"))
put("watermark/first-alone", new)
put("watermark/second-alone", bytes(88) + old)
put("watermark/sectors-change-places", old + new)


def block(gap, *distances):
    encoded = b""
    for distance in distances:
        while distance >= 0x80:
            encoded, distance = encoded + bytes([distance & 0x7f | 0x80]), distance >> 7
        encoded += bytes([distance])
    return bytes([gap, len(encoded)]) + encoded


put("posting_list/one-position", block(0))
put("posting_list/three-blocks", block(5, 1, 1, 7) + block(0, 130, 1) + block(200, 20000, 3, 3))
put("posting_list/a-longer-spelling", bytes([3, 3, 0x81, 0x00, 0x02]) + block(9, 1))
put("posting_list/no-distance", block(1, 2) + bytes([4, 2, 0x01, 0x00]) + block(1, 2))
put("posting_list/cut-within-a-number", block(1, 2) + bytes([4, 2, 0x05, 0x80]))
put("posting_list/beyond-the-last-position", bytes([0, 9]) + b"\xff" * 8 + b"\x7f")


def little(number):
    return struct.pack("<I", number)[:3]


put("snapshot/whole", little(0))
put("snapshot/cut-by-one", little(1))
put("snapshot/first-bytes", little(0) + b"".join(little(i) + b"\xff" for i in (0, 3, 9, 30)))
put("snapshot/lengths", little(0) + little(400) + b"\1" + little(5000) + b"\2" + little(20000) + b"\0")


def text_of(data):
    return struct.pack("<Q", len(data)) + data.encode()


def texts(*all):
    return struct.pack("<Q", len(all)) + b"".join(map(text_of, all))


head = struct.pack("<I", 0x4847534F) + text_of("/bin/sh") + texts("/bin/sh", "-c", "") + texts("PATH=/usr/bin", "A=")
rest = text_of("/tmp") + struct.pack("<q", 5000)
put("supervisor_order/own-user", head + rest + b"\0")
put("supervisor_order/another-user", head + rest + b"\1" + struct.pack("<IIQII", 1000, 1000, 2, 1000, 27))
put("supervisor_order/no-arguments", struct.pack("<I", 0x4847534F) + text_of("") + texts() + texts() + rest + b"\0")
put("supervisor_order/count-without-end", head + struct.pack("<Q", 2**64 - 1))

earlier = checkpoint(honest[:2])
earlier += "\n" + first.line(earlier)
for name, value in {"rotated key": second.text, "witness key": witness.text, "rotated root": root(leaves(
        seven + ["record 7", "record 8"])).hex(), "cosignatures": cosignatures, "audited root": root(
            leaves(honest)).hex(), "audited earlier": earlier}.items():
    print(name, repr(value), sep="\n    ")
