"""Anything may come over the network: the server goes on, changes nothing it should not, and has no faults."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.osc.codec import encode, encode_bundle
from tests.osc_peers import HOLD, FakeSender, UdpClient, in_loop, osc_server
from tests.test_osc_packets import ARGUMENTS, BUNDLES, encoded

NAMES = st.sampled_from(
    ["remapd", "track", "1", "2", "onset", "hold_ms", "mute", "panic", "model", "preset", "synth", "*", "?", "[a-z]*",
     "{mute,solo}", "", "ping", "subscribe", "snapshot", "unsubscribe", "error", "device", "input", "log_level"]
)  # fmt: skip
ADDRESSES = st.lists(NAMES, min_size=1, max_size=7).map(lambda names: "/" + "/".join(names))
OURS = st.builds(encode, ADDRESSES, st.lists(ARGUMENTS, max_size=3))
PACKETS = st.lists(
    st.one_of(st.binary(max_size=80), BUNDLES.map(encoded), OURS, st.lists(OURS, max_size=4).map(encode_bundle)),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PACKETS)
def test_any_packets(packets):
    @in_loop
    async def check():
        async with osc_server(enabled=False) as (server, controller):
            sender, channel = FakeSender(server), controller.value("/track/1/input_channel")
            devices = controller.values("/device")
            for packet in packets:
                sender.send_raw(packet)
                await asyncio.sleep(0)
            assert server.counters.faults == 0
            for path, control in controller.tree.items():
                if control.kind != "action":
                    assert control.check(controller.value(path)) == controller.value(path)
            assert controller.values("/device") == devices
            assert controller.value("/track/1/input_channel") == channel
            assert controller.value("/track/1/model") == "velocity"
            sender.source = "somebody else"
            sender.send(f"/remapd{HOLD}", 12.5)
            assert controller.value(HOLD) == 12.5

    check()


@pytest.mark.parametrize("seed", range(3))
def test_a_flood_of_random_packets_on_the_port(seed):
    @in_loop
    async def check():
        rng = random.Random(seed)
        async with osc_server() as (server, controller), UdpClient.open(server) as flood:
            for _ in range(40):
                for _ in range(50):
                    flood.send_raw(damaged(rng))
                await asyncio.sleep(0)
            async with UdpClient.open(server) as client:
                client.send(f"/remapd{HOLD}", 12.5)
                await client.settle()
                assert controller.value(HOLD) == 12.5
            assert server.counters.faults == 0
            assert server.counters.malformed > 100

    check()


def damaged(rng):
    packet = bytearray(encode_bundle([encode(f"/remapd{HOLD}", [rng.random()]), encode("/remapd/track/*/pan", [0.5])]))
    for _ in range(rng.randrange(4)):
        packet[rng.randrange(len(packet))] = rng.randrange(256)
    return bytes(packet) if rng.random() < 0.7 else rng.randbytes(rng.randrange(200))
