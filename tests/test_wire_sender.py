"""The sender at work on real sockets: order, framing, losses that are counted, and changes of plan."""

import socket
import struct
import threading
import time

import numpy as np
import pytest

from remapd.engine.layout import EVENT, EVENT_SLOTS, REJECTED
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamps_of
from remapd.engine.wake import Wake
from remapd.errors import FieldError
from remapd.sinks.common import STALE_NS
from remapd.sinks.wire.native.layout import MAX_DESTINATIONS, Framing
from remapd.sinks.wire.packet import Field, Packet, Patch, Source
from remapd.sinks.wire.plan import Destination, Routes
from remapd.sinks.wire.sender import WireSender
from tests.wire_hits import publish, random_event

PATIENCE_S = 10.0
#: The number of the hit and the track.
PACKET = Packet(b"n" + bytes(8) + b"e", (Patch(1, Field.INT32, Source.HIT), Patch(5, Field.INT32, Source.TRACK)))


class Rig:
    """An event ring, its sender, and sockets that are closed in the end."""

    def __init__(self):
        self.shared, self.wake = SharedBlock.private().record, Wake()
        self.sender = WireSender(self.shared, self.wake)
        self.sender.start()
        publish(self.shared, self.wake)  # Compiled before there are hits, which would grow old meanwhile.
        self.sockets = []

    def udp(self):
        """A receiver and a socket that sends to it."""
        receiver = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE_S)
        sender = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sender.connect(receiver.getsockname())
        return receiver, sender

    def stream(self, room=None):
        """Both ends of a stream; `room` bytes are on the way at most, about."""
        receiver, sender = map(self.keep, socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
        receiver.settimeout(PATIENCE_S)
        if room is not None:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        return receiver, sender

    def keep(self, one):
        self.sockets.append(one)
        return one

    def hit(self, *seeds, **changes):
        publish(self.shared, self.wake, *(random_event(seed, **changes) for seed in seeds))

    def counts(self, name="a", **wanted):
        """Counts, as soon as they are what is wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            counts = self.sender.counts(name)
            if all(getattr(counts, key) == value for key, value in wanted.items()):
                return counts
            assert time.monotonic() < deadline, counts
            time.sleep(0.002)

    def close(self):
        self.sender.stop()
        for one in self.sockets:
            one.close()
        self.wake.close()


@pytest.fixture
def rig():
    rig = Rig()
    yield rig
    rig.close()


def destination(sock, name="a", framing=Framing.DATAGRAM, packets=(PACKET,), tracks=range(32), synth="snare808"):
    return Destination(name, sock, framing, tuple(tracks), Routes({(track, synth): packets for track in tracks}))


def numbers(data):
    """Hit and track of one packet."""
    assert data[:1] + data[9:] == b"ne"
    return struct.unpack_from(">ii", data, 1)


def test_every_hit_is_sent_once_and_in_order(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    for seed in range(100):
        rig.hit(seed, track=seed % 32)
    assert [numbers(receiver.recv(100)) for _ in range(100)] == [(n + 1, n % 32 + 1) for n in range(100)]
    counts = rig.counts(hits=100, sent=100)
    assert (counts.dropped, counts.refused, counts.late_count) == (0, 0, 100)
    assert 0.0 < counts.late_us_p50 <= counts.late_us_p99
    assert counts.late_us_max > 0.0


def test_what_was_found_before_the_sender_was_made_is_not_sent():
    shared, wake = SharedBlock.private().record, Wake()
    publish(shared, wake, random_event())
    sender = WireSender(shared, wake)
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.apply([destination(a)])
    publish(shared, wake, random_event(track=7))
    sender.start()
    b.settimeout(PATIENCE_S)
    assert numbers(b.recv(100)) == (1, 8)
    sender.stop()
    for one in (a, b):
        one.close()


def test_each_destination_has_its_tracks_and_synths_and_counts_for_itself(rig):
    (a, to_a), (b, to_b) = rig.udp(), rig.udp()
    rig.sender.apply([destination(to_a, "a", tracks=[0]), destination(to_b, "b", tracks=[0, 1])])
    rig.hit(0, track=1)
    rig.hit(0, track=0)
    rig.hit(0, track=0, synth="kick808")
    rig.hit(0, kind=REJECTED)
    rig.hit(0, track=1)
    assert [numbers(b.recv(100)) for _ in range(3)] == [(1, 2), (2, 1), (4, 2)]
    assert numbers(a.recv(100)) == (1, 1)
    assert rig.counts("a", hits=2).sent == 1
    assert rig.counts("b", hits=4).sent == 3


def test_several_packets_of_a_hit_keep_their_order(rig):
    receiver, sender = rig.udp()
    packets = [Packet(bytes([i]), ()) for i in range(5)]
    rig.sender.apply([destination(sender, packets=packets)])
    rig.hit(0)
    assert [receiver.recv(10) for _ in range(5)] == [bytes([i]) for i in range(5)]
    assert rig.counts(sent=5).late_count == 1


def test_a_hit_is_stamped_with_the_time_of_its_first_packet(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    begun_ns = time.monotonic_ns()
    rig.hit(0)
    receiver.recv(100)
    rig.counts(late_count=1)
    rig.hit(1)
    receiver.recv(100)
    assert begun_ns < stamps_of(rig.shared, 1).sent_ns < time.monotonic_ns()


def test_lengths_stand_before_packets_in_a_stream(rig):
    receiver, sender = rig.stream()
    rig.sender.apply([destination(sender, framing=Framing.LENGTH)])
    rig.hit(0)
    frame = receiver.recv(100)
    assert frame[:4] == struct.pack(">i", len(PACKET.data))
    assert numbers(frame[4:]) == (1, 1)


def test_slip_escapes_its_marks(rig):
    receiver, sender = rig.stream()
    data = bytes(range(256))
    rig.sender.apply([destination(sender, framing=Framing.SLIP, packets=[Packet(data, ())])])
    rig.hit(0)
    wanted = b"\xc0" + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"
    assert receiver.recv(1000) == wanted


def test_records_are_the_events_themselves(rig):
    a, b = map(rig.keep, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    rig.sender.apply([Destination("midi", a, Framing.RECORD)])
    event = random_event(3, track=5)
    publish(rig.shared, rig.wake, event)
    b.settimeout(PATIENCE_S)
    record = np.frombuffer(b.recv(65536), EVENT)[0]
    event["sequence"], event["published_ns"] = 1, record["published_ns"]
    assert record == event
    assert stamps_of(rig.shared, 1).sent_ns == 0


@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.SLIP])
def test_a_full_stream_drops_whole_packets_and_never_loses_step(rig, framing):
    receiver, sender = rig.stream(room=4608)
    large = Packet(PACKET.data[:-1] + b"." * 3000 + b"e", PACKET.patches)
    rig.sender.apply([destination(sender, framing=framing, packets=[large])])
    for seed in range(50):
        rig.hit(seed)
    counts = rig.counts(hits=50)
    assert counts.sent + counts.full == 50
    assert counts.full > 20
    # The reader comes back: what was left of a packet goes out by itself, then new ones follow.
    data, expected = b"", counts.sent
    while len(split(data, framing)) < expected or data[-1:] != split_end(framing):
        data += receiver.recv(65536)
    rig.hit(99)
    while len(split(data, framing)) < expected + 1:
        data += receiver.recv(65536)
    packets = split(data, framing)
    hits = [struct.unpack_from(">i", packet, 1)[0] for packet in packets]
    assert {len(packet) for packet in packets} == {len(large.data)}
    assert hits == sorted(set(hits))
    assert hits[-1] == 51


def split(data, framing):
    """Whole packets."""
    if framing == Framing.SLIP:
        parts = data.split(b"\xc0")
        whole = parts[:-1]
        return [part.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb") for part in whole if part]
    found = []
    while len(data) >= 4 and len(data) >= 4 + struct.unpack_from(">i", data)[0]:
        size = struct.unpack_from(">i", data)[0]
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def split_end(framing):
    return b"\xc0" if framing == Framing.SLIP else b"e"


def test_a_full_datagram_socket_drops_and_others_do_not_notice(rig):
    _, to_a = map(rig.keep, socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
    b, to_b = rig.udp()
    rig.sender.apply([destination(to_a, "a"), destination(to_b, "b")])
    for seed in range(1000):
        rig.hit(seed)
        assert numbers(b.recv(100))[0] == seed + 1
    counts = rig.counts("a", hits=1000)
    assert counts.full > 0
    assert counts.sent + counts.full == 1000
    assert rig.sender.counts("b").dropped == 0


def test_a_port_at_which_nobody_listens_is_counted_and_heard_once_it_is_there(rig):
    receiver, sender = rig.udp()
    place = receiver.getsockname()
    receiver.close()
    rig.sender.apply([destination(sender)])
    for seed in range(20):
        rig.hit(seed)
    assert rig.counts(hits=20).refused > 0
    again = rig.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    again.bind(place)
    again.settimeout(PATIENCE_S)
    rig.hit(20)
    assert numbers(again.recv(100)) == (21, 1)


def test_a_stream_that_ended_is_broken_until_there_is_another(rig):
    receiver, sender = rig.stream()
    rig.sender.apply([destination(sender, framing=Framing.LENGTH)])
    receiver.close()
    rig.hit(0)
    counts = rig.counts(failed=1)
    assert counts.is_broken
    assert counts.fault == "Broken pipe"
    rig.hit(1)
    rig.counts(unconnected=1)
    receiver, sender = rig.stream()
    rig.sender.apply([destination(sender, framing=Framing.LENGTH)])
    rig.hit(2)
    assert numbers(receiver.recv(100)[4:]) == (3, 1)
    assert not rig.sender.counts("a").is_broken


def test_the_rest_of_a_packet_does_not_go_into_another_connection(rig):
    receiver, sender = rig.stream(room=4608)
    large = Packet(b"x" * 8000, ())
    rig.sender.apply([destination(sender, framing=Framing.LENGTH, packets=[large])])
    while rig.sender.counts("a").full == 0:
        rig.hit(0)
    receiver, sender = rig.stream()
    rig.sender.apply([destination(sender, framing=Framing.LENGTH)])
    rig.hit(0)
    assert len(receiver.recv(100)) == 4 + len(PACKET.data)


def test_old_hits_are_not_played(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    rig.hit(0, published_ns=time.monotonic_ns() - STALE_NS - 1)
    rig.hit(1)
    assert numbers(receiver.recv(100)) == (1, 1)
    assert rig.counts(hits=1).stale == 1


def test_a_reader_that_was_overtaken_counts_what_it_lost():
    shared, wake = SharedBlock.private().record, Wake()
    sender = WireSender(shared, wake)
    publish(shared, wake, *[random_event(published_ns=1)] * (EVENT_SLOTS + 100))
    sender.apply([])
    sender.start()
    deadline = time.monotonic() + PATIENCE_S
    while sender.counts_of_all().stale < EVENT_SLOTS:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    assert sender.counts_of_all().lost == 100
    sender.stop()


def test_plans_change_while_hits_are_sent(rig):
    """Every hit goes to the plan before or to the one after, whole; sockets of the one before may be closed at once."""
    stop = threading.Event()
    seen = []

    def play():
        while not stop.is_set():
            rig.hit(0)
            time.sleep(0.0005)

    player = threading.Thread(target=play)
    player.start()
    for round_ in range(100):
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        rig.sender.apply([destination(a, "a", packets=[Packet(bytes([round_]) * 50, ())])])
        b.settimeout(PATIENCE_S)
        seen.append(b.recv(100))
        rig.sender.apply([])
        a.close()
        b.close()
    stop.set()
    player.join()
    assert seen == [bytes([round_]) * 50 for round_ in range(100)]


def test_counts_of_one_that_stays_go_on_and_of_a_new_one_begin(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    rig.hit(0)
    receiver.recv(100)
    rig.sender.apply([destination(sender), destination(None, "b")])
    rig.hit(0)
    assert numbers(receiver.recv(100)) == (2, 1)
    assert rig.counts("b", hits=1).unconnected == 1
    rig.sender.apply([])
    rig.sender.apply([destination(sender)])
    rig.hit(0)
    assert numbers(receiver.recv(100)) == (1, 1)


def test_a_new_destination_begins_with_no_losses(rig):
    _, sender = rig.udp()
    rig.sender.apply([destination(sender, "before")])
    rig.hit(0, published_ns=1)
    rig.counts("before", stale=1)
    rig.sender.apply([destination(sender, "before"), destination(sender, "after")])
    assert (rig.sender.counts("before").dropped, rig.sender.counts("after").dropped) == (1, 0)


def test_delays_beyond_the_histogram_are_told_by_the_greatest(rig):
    _, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    rig.hit(0, published_ns=time.monotonic_ns() - 100_000_000)
    counts = rig.counts(late_count=1)
    assert counts.late_us_p50 == counts.late_us_p99 == counts.late_us_max > 100_000


def test_errands_go_to_one_destination_alone(rig):
    (a, to_a), (b, to_b) = rig.udp(), rig.udp()
    rig.sender.apply([destination(to_a, "a"), destination(to_b, "b")])
    assert rig.sender.send_packet("a", b"panic")
    assert a.recv(100) == b"panic"
    assert rig.sender.send_hit("b", random_event(track=4))
    assert numbers(b.recv(100)) == (1, 5)
    assert not rig.sender.send_packet("c", b"panic")
    assert not rig.sender.send_hit("c", random_event())


def test_what_does_not_fit_is_refused_and_the_plan_stays(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    bad = [
        [destination(sender), destination(sender)],
        [destination(None, str(i), packets=()) for i in range(MAX_DESTINATIONS + 1)],
    ]
    for destinations in bad:
        with pytest.raises(FieldError):
            rig.sender.apply(destinations)
    rig.hit(0)
    assert numbers(receiver.recv(100)) == (1, 1)


@pytest.mark.parametrize(
    "packet",
    [
        Packet(bytes(9000), ()),
        Packet(bytes(8), (Patch(5, Field.FLOAT32, Source.HIT),)),
        Packet(bytes(8), (Patch(-1, Field.FLOAT32, Source.HIT),)),
        Packet(bytes(8), (Patch(0, Field.FLOAT32, Source.SCALED, 7),)),
        Packet(bytes(8), (Patch(0, Field.FLOAT32, Source.SCALED, -1),)),
        Packet(bytes(8), (Patch(0, Field.FLOAT32, Source.HIT, 0, np.inf),)),
    ],
)
def test_a_packet_that_does_not_fit_is_refused(packet):
    with pytest.raises(FieldError):
        Routes({(0, "snare808"): [packet]})


def test_hits_with_wild_numbers_go_nowhere(rig):
    receiver, sender = rig.udp()
    rig.sender.apply([destination(sender)])
    for changes in ({"track": 32}, {"track": -1}, {"synth": 99}, {"synth": -1}):
        event = random_event()
        for name, value in changes.items():
            event[name] = value
        publish(rig.shared, rig.wake, event)
    rig.hit(0)
    assert numbers(receiver.recv(100)) == (1, 1)
