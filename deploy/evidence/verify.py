#!/usr/bin/env python3
"""Checks an evidence bundle of a Headgate log. Needs Python 3.9 and `openssl` 3, and no network.

    python3 verify.py evidence.zip [--key KEY]

KEY is the log's verifier key, or a file that holds it, as you got it from somewhere else than this bundle. Exit code:
0 all is proven, 1 something is not, 2 used wrongly. What is checked, in this order:

 1. The bundle holds the files that its index.json names, each once, and no others.
 2. The key's id is the hash of its name and bytes; it is KEY, when KEY is given.
 3. `checkpoint` (origin, number of records, root hash of the Merkle tree over them) bears that key's signature, and
    those of the witnesses in `witness.keys`, when there are any.
 4. Each record's bytes lead, by the sibling hashes of its .tlog-proof, to that root: it is in the log, at that place,
    unchanged. (RFC 9162 2.1.3.2; formats: c2sp.org/signed-note, /tlog-checkpoint, /tlog-proof, /tlog-cosignature.)
 5. The log itself recorded this export, with its filter and the number of records found: each record matches that
    filter, and there are just so many, so none was left out.
"""

import argparse, base64, hashlib, json, os, re, struct, subprocess, sys, tempfile, urllib.parse, zipfile, zlib

MAX_FILE = 4 << 20  # of any file in a bundle, unpacked
ED25519_DER = bytes.fromhex("302a300506032b6570032100")  # what stands before a raw public key in its DER form


class Refused(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Refused(text)


def b64(text):
    return base64.b64decode(text, validate=True)


def read_files(path):
    with zipfile.ZipFile(path) as bundle:
        entries = bundle.infolist()
        names = [entry.filename for entry in entries]
        expect(len(names) == len(set(names)), "the bundle holds a file twice")
        for entry in entries:
            expect(entry.file_size <= MAX_FILE, f"{entry.filename!r} is larger than {MAX_FILE} bytes")
        return {entry.filename: bundle.read(entry) for entry in entries}


def check_index(files):
    index = json.loads(files["index.json"])
    expect(index["format"] == "headgate-evidence/1", "index.json is of another format: take a newer verify.py")
    positions = index["records"] + [index["export"]]
    expect(all(type(p) is int and p >= 0 for p in positions), "index.json names a position that is no number")
    expect(len(positions) == len(set(positions)), "index.json names a position twice")
    named = {"index.json", "README.md", "verify.py", "checkpoint", "verifier.key", "witness.keys"}
    for position in positions:
        named |= {f"records/{position}.json", f"proofs/{position}.tlog-proof"}
    for name in sorted(named - set(files) - {"witness.keys"}):
        raise Refused(f"the bundle lacks {name}")
    for name in sorted(set(files) - named):
        raise Refused(f"the bundle holds {name!r}, which index.json does not name")
    return index


def parse_key(text, algorithm):
    """name+id+base64(algorithm, 32 bytes) -> (name, id, public key)"""
    name, key_id, encoded = text.strip().split("+", 2)
    data = b64(encoded)
    expect(len(data) == 33 and data[0] == algorithm, f"{text.strip()!r} is no verifier key of algorithm {algorithm}")
    true_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    expect(key_id == true_id.hex(), f"the verifier key of {name} was altered: its id is {true_id.hex()}, not {key_id}")
    return name, true_id, data[1:]


def ed25519_good(public_key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        for path, content in zip(paths, (ED25519_DER + public_key, message, signature)):
            with open(path, "wb") as file:
                file.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0]]
        done = subprocess.run([*command, "-rawin", "-in", paths[1], "-sigfile", paths[2]], capture_output=True)
        return done.returncode == 0


def check_checkpoint(note, key, witnesses):
    text, signatures = note.decode().rsplit("\n\n", 1)
    text += "\n"
    found = {}
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        data = b64(encoded)
        found[name, data[:4]] = data[4:]
    name, key_id, public_key = key
    expect((name, key_id) in found, f"the checkpoint bears no signature of the key {name} {key_id.hex()}")
    expect(ed25519_good(public_key, text.encode(), found[name, key_id]),
           "the checkpoint's signature is wrong: the checkpoint or the signature was altered")
    for name, key_id, public_key in witnesses:
        data = found.get((name, key_id), b"")
        expect(len(data) == 72, f"the checkpoint bears no cosignature of the witness {name}")
        message = f"cosignature/v1\ntime {struct.unpack('>Q', data[:8])[0]}\n{text}"
        expect(ed25519_good(public_key, message.encode(), data[8:]), f"the cosignature of the witness {name} is wrong")
    origin, size, root = text.split("\n")[:3]
    expect(origin == key[0], f"the checkpoint is of the log {origin}, the key of {key[0]}")
    return origin, int(size), b64(root)


def check_record(position, record, proof, checkpoint, size, root):
    head, note = proof.decode().split("\n\n", 1)
    lines = head.split("\n")
    expected = ["c2sp.org/tlog-proof@v1", f"index {position}"]
    expect(lines[:2] == expected, f"the proof of record {position} is of another")
    expect(note.encode() == checkpoint, f"the proof of record {position} is under another checkpoint")
    expect(position < size, f"record {position} is beyond the checkpoint's {size} records")
    digest = lambda data: hashlib.sha256(data).digest()
    node, index, last = digest(b"\0" + record), position, size - 1
    for sibling in map(b64, lines[2:]):
        expect(last > 0 and len(sibling) == 32, f"the proof of record {position} is malformed")
        if index % 2 == 1 or index == last:
            node = digest(b"\1" + sibling + node)
            while index % 2 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = digest(b"\1" + node + sibling)
        index, last = index >> 1, last >> 1
    same = last == 0 and node == root
    expect(same, f"record {position} is not what the log holds there: it or its proof was altered")
    event = json.loads(record)
    expect(event["id"] == str(position), f"record {position} calls itself {event['id']}")
    return event


def matches(event, condition, value):
    if condition == "type":
        short = event["type"].removeprefix("dev.headgate.").rsplit(".v", 1)[0]
        return re.fullmatch(re.escape(value).replace(r"\*", ".*"), short) is not None
    if condition in ("from", "to"):  # in the notation of the records, which sorts as text
        return (event["time"] >= value) == (condition == "from")
    return event.get(condition) == value


def check_completeness(index, events):
    export = events.pop(index["export"])
    expect(export["type"].startswith("dev.headgate.audit.exported."), f"record {index['export']} records no export")
    told = export["data"]
    expect(len(events) == told["records"],
           f"the log recorded an export of {told['records']} records, this bundle holds {len(events)}")
    conditions = urllib.parse.parse_qsl(told["filter"], strict_parsing=True) if told["filter"] else []
    for position, event in events.items():
        fits = all(matches(event, *condition) for condition in conditions)
        expect(position < told["size"] and fits, f"record {position} is not one of those that were exported")
    return export


def verify(path, trusted_key):
    files = read_files(path)
    index = check_index(files)
    key = parse_key(files["verifier.key"].decode(), 1)
    if trusted_key is not None:
        expect(key == parse_key(trusted_key, 1), "the bundle's verifier key is not the one that you gave")
    witnesses = [parse_key(line, 4) for line in files.get("witness.keys", b"").decode().splitlines()]
    origin, size, root = check_checkpoint(files["checkpoint"], key, witnesses)
    events = {}
    for position in index["records"] + [index["export"]]:
        record, proof = files[f"records/{position}.json"], files[f"proofs/{position}.tlog-proof"]
        events[position] = check_record(position, record, proof, files["checkpoint"], size, root)
    export = check_completeness(index, events)
    print(f"OK: {len(events)} records are in the log {origin}, unchanged, under its checkpoint of {size} records")
    print(f"    filter: {export['data']['filter'] or 'none'}; exported by {export['actor']} at {export['time']}, "
          f"from the first {export['data']['size']} records; by its own count none that matches is missing")
    for name, _, _ in witnesses:
        print(f"    cosigned by the witness {name}")
    if trusted_key is None:
        print(f"    signed by {files['verifier.key'].decode().strip()}\n    compare this key with one that you got "
              "from somewhere else, or give it with --key: whoever forges a bundle can put any key into it")


def main():
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of a Headgate log.")
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the log's verifier key, or a file that holds it")
    options = parser.parse_args()
    key = options.key
    if key is not None and os.path.exists(key):
        with open(key, encoding="utf-8") as file:
            key = file.read()
    try:
        verify(options.bundle, key)
    except Refused as refused:
        print(f"REFUSED: {refused}", file=sys.stderr)
        return 1
    except (OSError, LookupError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        print(f"REFUSED: it cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
