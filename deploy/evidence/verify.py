#!/usr/bin/env python3
"""Checks an evidence bundle of a Headgate log. Needs Python 3.9 and `openssl` 3, and no network.

    unzip evidence.zip -d evidence
    python3 evidence/verify.py evidence [--key KEY] [--witness KEY]...

It checks the files of that folder, so that what is proven is what you then read: programs differ in what they see in a
zip that was made to deceive. KEY is the verifier key of the log or of a witness, or a file that holds it, as you got it
from somewhere else than this bundle. Exit code: 0 all is proven, 1 something is not, 2 used wrongly.
What is checked, in this order:

 1. The bundle holds the files that its index.json names, each once, and no others.
 2. The key's id is the hash of its name and bytes; it is KEY, when KEY is given.
 3. `checkpoint` (origin, number of records, root hash of the Merkle tree over them) bears that key's signature, and
    those of the witnesses that you named, and of those in `witness.keys`, when there are any.
 4. Each record's bytes lead, by the sibling hashes of its .tlog-proof, to that root: it is in the log, at that place,
    unchanged. (RFC 9162 2.1.3.2; formats: c2sp.org/signed-note, /tlog-checkpoint, /tlog-proof, /tlog-cosignature.)
 5. The log itself recorded this export, with its filter and the number of records found: each record matches that
    filter, and there are just so many, so none was left out. A bundle from a log that was at rest has no such record,
    and proves nothing of what is not in it.
"""

import argparse, base64, hashlib, json, os, re, stat, struct, subprocess, sys, tempfile, urllib.parse

MAX_FILE, MAX_ALL = 4 << 20, 512 << 20  # bytes of any file in a bundle, and of all of them
ED25519_DER = bytes.fromhex("302a300506032b6570032100")  # what stands before a raw public key in its DER form


class Refused(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Refused(text)


def b64(text):
    return base64.b64decode(text, validate=True)


def read_folder(folder):
    sizes = {}
    for place, folders, names in os.walk(folder):
        for path in (os.path.join(place, each) for each in folders + names):
            name, status = os.path.relpath(path, folder).replace(os.sep, "/"), os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                expect(stat.S_ISREG(status.st_mode), f"{name!r} is no regular file")
                sizes[name] = status.st_size
    for name, size in sizes.items():
        expect(size <= MAX_FILE, f"{name!r} is larger than {MAX_FILE} bytes")
    expect(sum(sizes.values()) <= MAX_ALL, f"the bundle holds more than {MAX_ALL} bytes")
    files = {}
    for name in sizes:
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


def positions_of(index):
    return index["records"] + ([] if index["export"] is None else [index["export"]])


def check_index(files):
    index = json.loads(files["index.json"])
    expect(index["format"] == "headgate-evidence/1", "index.json is of another format: take a newer verify.py")
    positions = positions_of(index)
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
    expect(text.count("+") >= 2, f"this is no verifier key, which reads NAME+ID+KEY: {text.strip()[:100]!r}")
    name, key_id, encoded = text.strip().split("+", 2)
    data = b64(encoded)
    expect(len(data) == 33 and data[0] == algorithm, f"{text.strip()!r} is no verifier key of algorithm {algorithm}")
    true_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    same = key_id == true_id.hex()
    expect(same, f"the verifier key of {name!r} was altered: its id is {true_id.hex()}, not {key_id!r}")
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
    expect((name, key_id) in found, f"the checkpoint bears no signature of the key {name!r} {key_id.hex()}")
    expect(ed25519_good(public_key, text.encode(), found[name, key_id]),
           "the checkpoint's signature is wrong: the checkpoint or the signature was altered")
    for name, key_id, public_key in witnesses:
        data = found.get((name, key_id), b"")
        expect(len(data) == 72, f"the checkpoint bears no cosignature of the witness {name!r}")
        message = f"cosignature/v1\ntime {struct.unpack('>Q', data[:8])[0]}\n{text}"
        good = ed25519_good(public_key, message.encode(), data[8:])
        expect(good, f"the cosignature of the witness {name!r} is wrong")
    origin, size, root = text.split("\n")[:3]
    expect(origin == key[0], f"the checkpoint is of the log {origin!r}, the key of {key[0]!r}")
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
    expect(event["id"] == str(position), f"record {position} calls itself {event['id']!r}")
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
           f"the log recorded an export of {told['records']!r} records, this bundle holds {len(events)}")
    asked = told.get("filter", "")  # a record leaves out what is empty
    conditions = urllib.parse.parse_qsl(asked, strict_parsing=True) if asked else []
    for position, event in events.items():
        fits = all(matches(event, *condition) for condition in conditions)
        expect(position < told["size"] and fits, f"record {position} is not one of those that were exported")
    return export


def verify(folder, trusted_key, trusted_witnesses):
    files = read_folder(folder)
    index = check_index(files)
    key = parse_key(files["verifier.key"].decode(), 1)
    if trusted_key is not None:
        expect(key == parse_key(trusted_key, 1), "the bundle's verifier key is not the one that you gave")
    witnesses = [parse_key(given, 4) for given in trusted_witnesses]
    brought = [parse_key(line, 4) for line in files.get("witness.keys", b"").decode().splitlines()]
    brought = [witness for witness in brought if witness not in witnesses]
    origin, size, root = check_checkpoint(files["checkpoint"], key, witnesses + brought)
    events = {}
    for position in positions_of(index):
        record, proof = files[f"records/{position}.json"], files[f"proofs/{position}.tlog-proof"]
        events[position] = check_record(position, record, proof, files["checkpoint"], size, root)
    export = None if index["export"] is None else check_completeness(index, events)
    print(f"OK: {len(events)} records are in the log {origin!r}, unchanged, under its checkpoint of {size} records")
    if export is None:
        print("    the log holds no record of this export: nothing says whether others that were asked for are missing")
    else:
        print(f"    filter: {export['data'].get('filter', 'none')!r}; exported by {export['actor']!r} at "
              f"{export['time']!r}, from the first {export['data']['size']!r} records; by its own count none that "
              "matches is missing")
    for name, _, _ in witnesses:
        print(f"    cosigned by the witness {name!r}")
    for name, _, _ in brought:
        print(f"    says a key that came with this bundle: cosigned by the witness {name!r}")
    if brought:
        print("    whoever forges a bundle can put any key into it: give --witness with the one that you know")
    if trusted_key is None:
        print(f"    signed by {files['verifier.key'].decode().strip()!r}\n    compare this key with one that you got "
              "from somewhere else, or give it with --key: whoever forges a bundle can put any key into it")


def key_text(given):
    if not os.path.exists(given):
        return given
    with open(given, encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of a Headgate log.")
    parser.add_argument("folder", help="into which the bundle was unpacked")
    parser.add_argument("--key", help="the log's verifier key, or a file that holds it")
    parser.add_argument("--witness", metavar="KEY", action="append", default=[],
                        help="a witness that must have cosigned: its verifier key, or a file that holds it; repeatable")
    options = parser.parse_args()
    if not os.path.isdir(options.folder):
        parser.error(f"{options.folder} is no folder: unpack the bundle, unzip evidence.zip -d evidence")
    try:
        key = options.key if options.key is None else key_text(options.key)
        verify(options.folder, key, [key_text(given) for given in options.witness])
    except Refused as refused:
        print(f"REFUSED: {refused}", file=sys.stderr)
        return 1
    except Exception as error:  # what was not expected proves nothing
        print(f"REFUSED: it cannot be read: {type(error).__name__}: {str(error)!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
