"""What `remapd osc` shows: messages that arrive, and what forms send."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.cli import main
from remapd.errors import FieldError
from remapd.osc.arguments import IMPULSE, Char, MidiMessage, Rgba, Symbol
from remapd.osc.codec import encode, encode_bundle
from remapd.osc.framing import LengthFraming, SlipFraming
from remapd.osc.lines import line_of, tagged_messages
from remapd.osc.listener import MAX_CONNECTIONS, Listener
from remapd.osc.timetag import TimeTag
from remapd.sinks.document import sink_from
from remapd.sinks.osc.forms import FORMS
from remapd.sinks.sources import source_names
from remapd.synth.registry import SYNTHS

PATIENCE_S = 20.0


def lines(data, arrived_s=1000.0):
    return [line_of(tagged, arrived_s) for tagged in tagged_messages(data)]


@pytest.fixture
def udp():
    with contextlib.closing(Listener("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def tcp():
    with contextlib.closing(Listener("127.0.0.1", 0, tcp=True)) as listener:
        yield listener


def next_of(listener):
    return next(listener.arrivals(PATIENCE_S))


def test_every_type_has_a_text_without_blanks():
    arguments = [1, 2**40, 0.1, 1e300, "a b\n\x1b[31m", Symbol("s"), Char("c"), b"\1\2", True, False, None, IMPULSE]
    arguments += [TimeTag(1), Rgba(1, 2, 3, 255), MidiMessage(0, 144, 60, 1), [1, [2.5, "x"]]]
    (line,) = lines(encode("/a", arguments))
    assert line == (
        r'- /a ,ihfdsScbTFNItrm[i[fs]] 1 1099511627776 0.1 1e+300 "a b\n\u001b[31m" "s" "c" blob[2]:0102 true false '
        r'nil impulse 0x0000000000000001 #010203ff midi:00903c01 [1,[2.5,"x"]]'
    )


SEED = encode_bundle([encode("/a", [1, "b", b"c", 2.5, [None]]), encode_bundle([encode("/d")], TimeTag(77))])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64) | st.tuples(st.integers(0, len(SEED) - 1), st.binary(max_size=4)))
def test_any_bytes_are_lines_or_refused(data):
    if isinstance(data, tuple):
        at, patch = data
        data = SEED[:at] + patch + SEED[at + len(patch) :]
    try:
        shown = lines(data)
    except FieldError:
        return
    assert all(line.isprintable() for line in shown)


def test_bundles_say_how_far_ahead_they_are():
    later = encode_bundle([encode("/b", [1])], TimeTag.at(1000.02))
    outer = encode_bundle([encode("/a"), later], TimeTag.at(999.9965))
    assert lines(outer) == ["-3.500ms /a ,", "+20.000ms /b ,i 1"]
    assert lines(encode_bundle([encode("/c")])) == ["now /c ,"]
    assert lines(b"/old\0\0\0\0") == ["- /old ,"]


def test_packets_over_udp_come_with_their_source_and_garbage_does_no_harm(udp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"", b"nonsense", encode("/a", [1])):
            sender.sendto(data, ("127.0.0.1", udp.port))
        arrived = [next_of(udp) for _ in range(3)]
        assert [one.data for one in arrived] == [b"", b"nonsense", encode("/a", [1])]
        assert {one.source for one in arrived} == {f"127.0.0.1:{sender.getsockname()[1]}"}


def test_a_packet_has_the_time_at_which_it_came(udp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        before_s = time.time()
        sender.sendto(encode("/a"), ("127.0.0.1", udp.port))
        after_s = time.time()
        time.sleep(0.05)
        # Where the system does not tell, it is when it was read.
        latest_s = after_s if sys.platform == "linux" else time.time()
        assert before_s - 0.001 <= next_of(udp).time_s <= latest_s + 0.001


@pytest.mark.parametrize("framing", [LengthFraming, SlipFraming])
def test_streams_in_both_framings_are_taken_apart(tcp, framing):
    packets = [encode("/a", [b"\xc0\xdb"]), encode("/b", ["x" * 100])]
    stream = b"".join(framing.frame(packet) for packet in packets)
    with socket.create_connection(("127.0.0.1", tcp.port)) as sender:
        arrivals = tcp.arrivals(PATIENCE_S)
        sender.sendall(stream[:7])
        sender.sendall(stream[7:])
        assert [next(arrivals).data for _ in packets] == packets


def test_a_stream_that_is_no_osc_ends_and_others_go_on(tcp):
    address = ("127.0.0.1", tcp.port)
    with socket.create_connection(address) as browser, socket.create_connection(address) as sender:
        browser.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert "expected packets with their length" in next_of(tcp).fault
        assert browser.recv(1) == b""
        sender.sendall(struct.pack(">i", 0xFFFFFF))
        assert "a length from 1 to 65535" in next_of(tcp).fault
        assert sender.recv(1) == b""
    with socket.create_connection(address) as another:
        another.sendall(LengthFraming.frame(encode("/a")))
        assert next_of(tcp).data == encode("/a")


def test_connections_are_bounded(tcp):
    with contextlib.ExitStack() as opened:
        for _ in range(MAX_CONNECTIONS + 1):
            opened.enter_context(socket.create_connection(("127.0.0.1", tcp.port)))
        assert f"there are {MAX_CONNECTIONS} connections" in next_of(tcp).fault


def test_an_address_that_cannot_be_had_is_refused(udp):
    with pytest.raises(FieldError, match=r"port: expected one that can be had on 127.0.0.1, got .*in use"):
        Listener("127.0.0.1", udp.port)
    with pytest.raises(FieldError, match=r"host: expected a name or address of this machine"):
        Listener("no such host.invalid", 0)
    with pytest.raises(FieldError, match=r"port: expected one that can be had on 192.0.2.1"):
        Listener("192.0.2.1", 0)


@contextlib.contextmanager
def monitor(*options):
    """`remapd osc monitor` as a process, and the port on which it listens."""
    command = [sys.executable, "-m", "remapd", "osc", "monitor", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            greeting = process.stderr.readline()
            yield process, int(re.search(r"listening on 127\.0\.0\.1:(\d+)", greeting)[1])
        finally:
            process.kill()


def test_the_command_ends_after_a_count():
    with monitor("--count", "2") as (process, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"nonsense", encode("/a", [1, 0.5]), encode_bundle([encode("/b"), encode("/c")])):
            sender.sendto(data, ("127.0.0.1", port))
        output, errors = process.communicate(timeout=PATIENCE_S)
        source = f"127.0.0.1:{sender.getsockname()[1]}"
    assert process.returncode == 0
    assert [line.split(" ", 1)[1] for line in output.splitlines()] == [f"{source} - /a ,if 1 0.5", f"{source} now /b ,"]
    assert re.match(r"\d\d:\d\d:\d\d\.\d{6} ", output)
    assert "not OSC: address: expected a text that ends with a zero byte" in errors
    assert "2 messages in 2 packets, 1 that were no OSC" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_on_request_and_says_how_much_it_was(number):
    with monitor("--tcp") as (process, port):
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(SlipFraming.frame(encode("/a")))
            assert process.stdout.readline().endswith("- /a ,\n")
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "1 messages in 1 packets" in errors


def test_each_form_is_told_with_what_every_argument_means():
    result = CliRunner().invoke(main, ["osc", "forms", "--synth", "simple_drum", "--track", "3"])
    assert result.exit_code == 0
    assert [name for name in FORMS if f"\n{name}: " in f"\n{result.output}"] == [
        name for name in FORMS if name != "custom"
    ]
    for parameter in SYNTHS["simple_drum"].table:
        assert f"values.{parameter.name} " in result.output
        assert parameter.description in result.output
    assert "/remapd/3/hit ,if" in result.output
    assert "20 to 2000 Hz" in result.output


def test_forms_as_json_name_known_sources_and_templates_that_can_be_sent():
    result = CliRunner().invoke(main, ["osc", "forms", "--json", "--values", "unit"])
    forms = json.loads(result.output)
    assert [form["sink"]["form"] for form in forms] == ["vector", "parameters", "supercollider", "pd"]
    for form in forms:
        sink_from({"kind": "osc", "form": "custom", "messages": form["templates"]})
        for message in form["messages"]:
            assert message["types"] == "," + "".join(argument["tag"] for argument in message["arguments"])
            named = [argument for argument in message["arguments"] if argument["source"]]
            assert {argument["source"] for argument in named} <= set(source_names())
            assert all(argument["minimum"] < argument["maximum"] for argument in named)


def test_a_sink_of_ones_own_is_checked_and_shown(tmp_path):
    path = tmp_path / "sink.json"
    volts = {"source": "unit.{parameter}", "scale": 10}
    messages = [{"address": "/cv/{control}", "arguments": [volts, 3, {"text": "{synth}"}]}]
    path.write_text(json.dumps({"kind": "osc", "form": "custom", "messages": messages}))
    shown = CliRunner().invoke(main, ["osc", "forms", "--sink", str(path)]).output
    assert "/cv/osc1_freq ,fis" in shown
    assert re.search(r"1 f unit\.osc1\.freq +0 to 10 ", shown)
    assert re.search(r'2 i 3\n +3 s "snare808"\n', shown)
    path.write_text('{"kind": "osc", "form": "custom", "messages": [{"address": "/a", "arguments": ["veloctiy"]}]}')
    refused = CliRunner().invoke(main, ["osc", "forms", "--sink", str(path)])
    assert refused.exit_code == 1
    assert "sink.messages[0].arguments[0]: expected" in refused.output
    assert "did you mean velocity?" in refused.output
    path.write_text("{")
    assert CliRunner().invoke(main, ["osc", "forms", "--sink", str(path)]).exit_code == 1


@pytest.mark.parametrize("options", [["vectr"], ["custom"], ["--synth", "snare"], ["--track", "99"], ["--values", "x"]])
def test_options_of_forms_are_checked(options):
    result = CliRunner().invoke(main, ["osc", "forms", *options])
    assert result.exit_code == 1
    assert "expected" in result.output


def test_a_packet_shows_how_late_it_is():
    data = encode_bundle([encode("/a")], TimeTag.at(time.time() - 1.0))
    (line,) = lines(data, time.time())
    assert -1100.0 < float(line.split("ms")[0]) < -999.0
