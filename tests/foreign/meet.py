"""Two clients that nobody here wrote the QUIC of meet, talk and part over `duologue/1`.

Written from docs/protocol.md alone, on aioquic: framing, the binary form of the few messages that this story needs, close codes.
Starts the server that DUOLOGUE_BIN names. Says what it did, and ends with 0 only if everything was as the page has it.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import tempfile
import urllib.request

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamDataReceived
from cryptography.hazmat.primitives.serialization import Encoding

PATIENCE = 20

# Numbers of messages, commands, answers and events of the binary form, as the golden vectors have them.
HELLO, COMMAND = 0, 1
ACCEPT, CHAT, HANG_UP, INVITE, JOIN = 0, 3, 10, 13, 14
CLOSING, EVENT, OK, WELCOME = 0, 1, 3, 6
CALL_ENDED, CALL_STARTED, CHATTED, RANG = 0, 3, 5, 15


def number(value):
    """Seven bits a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def text(value):
    encoded = value.encode()
    return number(len(encoded)) + encoded


def frame(message):
    """RFC 9000, section 16: the length, then the message."""
    length = len(message)
    if length < 1 << 6:
        return bytes([length]) + message
    if length < 1 << 14:
        return (0x4000 | length).to_bytes(2, "big") + message
    return (0x80000000 | length).to_bytes(4, "big") + message


class Reader:
    """Takes a message apart."""

    def __init__(self, message):
        self.message, self.at = message, 0

    def number(self):
        value = shift = 0
        while True:
            byte = self.message[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bytes(self, length):
        self.at += length
        return self.message[self.at - length : self.at]

    def text(self):
        return self.bytes(self.number()).decode()

    def card(self):
        card = {"user": self.bytes(16), "name": self.text(), "gender": self.text(), "selfie": self.text(), "video": self.text()}
        card["tags"] = [self.text() for _ in range(self.number())]
        return card


class Link(QuicConnectionProtocol):
    """One stream, cut into messages."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.kept, self.messages, self.ended = b"", asyncio.Queue(), asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self.kept += event.data
            while (whole := self.take()) is not None:
                self.messages.put_nowait(whole)
        elif isinstance(event, ConnectionTerminated) and not self.ended.done():
            self.ended.set_result(event.error_code)

    def take(self):
        if not self.kept:
            return None
        prefix = 1 << (self.kept[0] >> 6)
        if len(self.kept) < prefix:
            return None
        length = int.from_bytes(self.kept[:prefix], "big") & ((1 << (8 * prefix - 2)) - 1)
        if len(self.kept) < prefix + length:
            return None
        message, self.kept = self.kept[prefix : prefix + length], self.kept[prefix + length :]
        return message


class Person:
    """Somebody with a token and a connection."""

    def __init__(self, link, name, guest):
        self.link, self.name, self.guest = link, name, guest
        self.user = bytes.fromhex(guest["user"]["user"].replace("-", ""))
        self.stream, self.next, self.seq, self.unheard = link._quic.get_next_available_stream_id(), 1, 0, []

    def say(self, message):
        self.link._quic.send_stream_data(self.stream, frame(message))
        self.link.transmit()

    def command(self, kind, fields):
        self.say(bytes([COMMAND]) + number(self.next) + bytes([kind]) + fields)
        self.next += 1
        return self.next - 1

    async def hears(self, what, fits):
        """The next message that fits, as a reader behind its head; others wait."""
        for place, (head, reader) in enumerate(self.unheard):
            if fits(head):
                del self.unheard[place]
                return reader
        while True:
            message = await asyncio.wait_for(self.link.messages.get(), PATIENCE)
            reader = Reader(message)
            kind = reader.number()
            head = (kind,)
            if kind == EVENT:
                seq = reader.number()
                assert seq == self.seq + 1, f"{self.name}: events come in their order"
                self.seq = seq
                head = (kind, reader.number())
            elif kind == OK:
                head = (kind, reader.number())
                reader.number()
            if fits(head):
                return reader
            self.unheard.append((head, reader))

    async def event(self, kind):
        return await self.hears(f"event {kind}", lambda head: head == (EVENT, kind))

    async def ok(self, kind, fields=b""):
        asked = self.command(kind, fields)
        return await self.hears(f"the answer to {asked}", lambda head: head == (OK, asked))

    async def hello(self):
        self.say(bytes([HELLO]) + text(self.guest["token"]) + bytes(4))
        welcome = await self.hears("welcome", lambda head: head == (WELCOME,))
        assert welcome.card()["name"] == self.name

    async def leave(self):
        self.link.close(error_code=0)
        await self.link.wait_closed()


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


async def story(ready):
    http = f"http://{ready['http']}"
    told = ask(f"{http}/v1/quic")
    host = ready["quic"].rsplit(":", 1)[0]

    def connection():
        # The certificate is its own; it is believed by its hash, below.
        return QuicConfiguration(is_client=True, alpn_protocols=[told["alpn"]], verify_mode=False)

    async with (
        connect(host, told["port"], configuration=connection(), create_protocol=Link) as hers,
        connect(host, told["port"], configuration=connection(), create_protocol=Link) as his,
    ):
        shown = hers._quic.tls._peer_certificate.public_bytes(Encoding.DER)
        assert hashlib.sha256(shown).hexdigest() in told["certificate_sha256"], "the certificate that the server told"
        ann = Person(hers, "Ann", ask(f"{http}/v1/guests", {"name": "Ann"}))
        bob = Person(his, "Bob", ask(f"{http}/v1/guests", {"name": "Bob"}))
        for person in (ann, bob):
            await person.hello()
            await person.ok(JOIN, bytes([0]))

        invited = await ann.ok(INVITE, bob.user + number(300))
        invite = invited.number()
        rang = await bob.event(RANG)
        assert rang.number() == invite
        assert rang.card()["name"] == "Ann"
        call = (await bob.ok(ACCEPT, number(invite) + number(120))).number()
        for person, peer in ((ann, bob), (bob, ann)):
            started = await person.event(CALL_STARTED)
            assert started.number() == call
            assert started.card()["user"] == peer.user
            assert started.number() == 210, "the middle of 300 and 120"

        for person, peer, line in ((ann, bob, "hello from another library"), (bob, ann, "grüß dich 👋" * 200)):
            # A line has at most 500 characters.
            line = line[:500]
            await person.ok(CHAT, number(call) + text(line))
            heard = await peer.event(CHATTED)
            assert (heard.number(), heard.bytes(16), heard.text()) == (call, person.user, line)

        await bob.ok(HANG_UP, number(call))
        for person in (ann, bob):
            assert (await person.event(CALL_ENDED)).number() == call

        # Nonsense is told by its code, after `closing`.
        ann.say(b"nonsense")
        await ann.hears("closing", lambda head: head == (CLOSING,))
        assert await asyncio.wait_for(hers.ended, PATIENCE) == 4106
        # Leaving is leaving: no grace.
        await bob.leave()
    for _ in range(200):
        if ask(f"{http}/health")["connections"]["total"] == 0:
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("somebody is still there")


def main():
    with tempfile.TemporaryDirectory(prefix="duologue-foreign-") as folder:
        command = [os.environ["DUOLOGUE_BIN"], "serve", "--ready", "json", "--listen", "127.0.0.1:0", "--data", folder]
        # Its variables are its configuration; those of the tests are not.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("DUOLOGUE_")}
        server = subprocess.Popen(command, stdout=subprocess.PIPE, env=plain)
        try:
            asyncio.run(asyncio.wait_for(story(json.loads(server.stdout.readline())), 60))
        finally:
            server.terminate()
            code = server.wait(10)
        assert code == 0, f"the server ended with {code}"
    print("two foreign clients met, talked and parted over duologue/1")


main()
