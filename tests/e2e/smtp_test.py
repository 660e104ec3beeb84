"""Who is told by mail: over a real SMTP connection to a small mail server, with credentials, also when that is away."""

import base64
import email
import email.policy
import socketserver
import threading
import unittest

from world import World, eventually

USER = "headgate"
PASSWORD = "correct horse battery staple"
OPS = "ops@example.com"
TOLD = """\
apiVersion: headgate.dev/v1
kind: NotificationPolicy
metadata: {{name: default}}
spec:
  routes:
    - {{events: [{events}], environments: [staging], to: [mail]}}
  receivers:
    mail: {{smtp: {{to: [{to}]}}}}
"""


def login(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Conversation(socketserver.StreamRequestHandler):
    """RFC 5321 and AUTH PLAIN, as far as a sender of mail needs them."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def heard(self):
        line = self.rfile.readline()
        return line.decode().rstrip("\r\n") if line else None

    def handle(self):
        mail = {"login": None, "to": []}
        self.say("220 mail.example.com ESMTP")
        while (line := self.heard()) is not None:
            verb = line.upper()
            if verb.startswith("EHLO"):
                self.say("250-mail.example.com")
                self.say("250 AUTH PLAIN")
            elif verb.startswith("AUTH PLAIN"):
                given = line[len("AUTH PLAIN ") :]
                if not given:
                    self.say("334 ")
                    given = self.heard()
                right = given == login(USER, PASSWORD)
                mail["login"] = given if right else None
                self.say("235 welcome" if right else "535 authentication failed")
            elif mail["login"] is None:
                self.say("221 bye" if verb == "QUIT" else "530 authentication required")
            elif verb.startswith("MAIL FROM:"):
                mail["from"] = line[len("MAIL FROM:") :].split()[0]
                self.say("250 ok")
            elif verb.startswith("RCPT TO:"):
                mail["to"].append(line[len("RCPT TO:") :])
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                text = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
                mail["message"] = email.message_from_bytes(text, policy=email.policy.default)
                self.server.taken.append(dict(mail))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 not here")


class MailServer(socketserver.ThreadingTCPServer):
    """Has its port from the beginning; until `open` nobody listens there."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation, bind_and_activate=False)
        self.taken = []
        self.thread = None
        self.server_bind()

    @property
    def port(self):
        return self.server_address[1]

    def open(self):
        self.server_activate()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        if self.thread:
            self.shutdown()
        self.server_close()


class Mail(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.mail = MailServer()
        self.addCleanup(self.mail.close)
        self.password = self.world.root / "smtp"
        self.gives(PASSWORD)
        self.world.write_config(
            f'smtp: {{url: "smtp://127.0.0.1:{self.mail.port}", from: headgate@example.com, '
            f"credentials: {{user: {USER}, password: {{file: {self.password}}}}}}}\n"
        )
        self.world.hooks()
        self.world.documents()

    def gives(self, password):
        self.password.write_text(password + "\n")
        self.password.chmod(0o600)

    def tell(self, events, to=OPS):
        self.world.write("told.yaml", TOLD.format(events=events, to=to))

    def deploy(self, version):
        self.world.wish(version)
        self.world.push(version)

    def runs(self, version):
        eventually(lambda: self.world.current() == version, f"{version} runs")

    def subjects(self):
        return [mail["message"]["Subject"] for mail in self.mail.taken]

    def told(self, count, outcome="sent"):
        outcomes = lambda: self.world.events(f"notification.{outcome}")
        eventually(lambda: len(outcomes()) >= count, f"{count} are {outcome}")
        self.assertEqual(len(outcomes()), count)
        return [event["data"] for event in outcomes()]

    def records(self):
        return self.world.cli("log", "export", "--data", str(self.world.data)).stdout

    def holders(self, text):
        """Where it stands in what the server wrote before it stopped: records, files of its data, and what it said."""
        records = self.records()
        self.assertIn("notification.", records)
        files = [file for file in self.world.data.rglob("*") if file.is_file()] + [self.world.log]
        found = [str(file) for file in files if text.encode() in file.read_bytes()]
        return found + (["records"] if text in records else [])

    def test_a_failure_is_told_once_in_words_that_somebody_can_use(self):
        self.mail.open()
        self.tell('promotion.succeeded, "rollback.*"', f"{OPS}, boss@example.com")
        self.deploy("v1")
        self.world.start()
        self.runs("v1")
        self.told(1)
        self.deploy("v2-bad")
        self.told(3)
        succeeded, started, back = self.subjects()
        self.assertEqual(succeeded, "[headgate] promotion succeeded: greeter/staging/1")
        self.assertRegex(started, r"\[headgate\] rollback started: greeter/staging/2: works: .* bad release")
        self.assertEqual(back, "[headgate] rollback succeeded: greeter/staging/2")
        first = self.mail.taken[0]
        self.assertEqual(first["login"], login(USER, PASSWORD))
        self.assertEqual(first["from"], "<headgate@example.com>")
        self.assertEqual(first["to"], [f"<{OPS}>", "<boss@example.com>"])
        self.assertEqual(first["message"]["To"], f"{OPS}, boss@example.com")
        position = int(self.world.events("promotion.succeeded")[0]["id"])
        lines = first["message"].get_content().splitlines()
        for line in ("service: greeter", "environment: staging", f"record: e2e.headgate.test/log, position {position}"):
            self.assertIn(line, lines)
        self.assertEqual(len({mail["message"]["Message-ID"] for mail in self.mail.taken}), 3)
        self.assertEqual(self.world.stop(), 0)
        for secret in (PASSWORD, login(USER, PASSWORD)):
            self.assertEqual(self.holders(secret), [])
        self.assertNotIn(OPS, self.records())

    def test_a_server_that_is_away_gets_it_later_in_order_also_over_a_crash(self):
        self.tell("promotion.planned, promotion.succeeded")
        self.deploy("v1")
        self.world.start()
        self.runs("v1")
        self.deploy("v2")
        self.runs("v2")
        self.assertEqual(self.world.events("notification.*"), [])
        self.world.kill()
        self.world.start()
        self.deploy("v3")
        self.runs("v3")
        self.mail.open()
        told = self.told(6)
        self.assertGreater(told[0]["attempts"], 1)
        each = [f"{what}: greeter/staging/{n}" for n in (1, 2, 3) for what in ("planned", "succeeded")]
        self.assertEqual(self.subjects(), [f"[headgate] promotion {text}" for text in each])
        self.world.kill()
        self.world.start()
        self.deploy("v4")
        self.told(8)
        self.assertEqual(len(self.mail.taken), 8)

    def test_a_wrong_password_is_said_and_a_new_one_counts_from_the_next_message_on(self):
        self.mail.open()
        self.gives("wrong password")
        self.tell("promotion.succeeded")
        self.deploy("v1")
        self.world.start()
        failed = self.told(1, "failed")
        self.assertEqual(failed[0]["reason"], "the mail server refused it with 535")
        eventually(lambda: "the mail server refused it with 535" in self.world.log.read_text(), "it is said")
        self.gives(PASSWORD)
        self.deploy("v2")
        self.told(1)
        self.assertEqual(self.subjects(), ["[headgate] promotion succeeded: greeter/staging/2"])
        self.assertEqual(self.world.stop(), 0)
        for secret in ("wrong password", login(USER, "wrong password")):
            self.assertEqual(self.holders(secret), [])


if __name__ == "__main__":
    unittest.main()
