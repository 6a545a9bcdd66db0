"""Feedback over UDP: snapshots, echoes to others, expiry, bounds; and liblo as the peer."""

import asyncio
import contextlib
import shutil
import socket
import sys
import time
from pathlib import Path

import pytest
from pythonosc.udp_client import SimpleUDPClient

from remapd.control.osc.allowed import hearing
from remapd.control.osc.limits import TokenBucket
from remapd.osc.codec import decode, encode, encode_bundle
from remapd.osc.timetag import TimeTag
from tests.controllers import make_controller
from tests.osc_peers import HOLD, PATIENCE_S, Changes, Mail, UdpClient, in_loop, osc_server

MUTE = "/track/1/mute"


async def everything(mail, controller):
    """Read until every value has been told."""
    wanted = {f"/remapd{path}" for path in controller.values()}
    while wanted:
        wanted.discard((await mail.next())[0])


@in_loop
async def test_whoever_talks_is_told_everything_and_then_changes():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        client.send("/remapd/ping")
        await everything(client.mail, controller)
        controller.set({HOLD: 33.0})
        assert await client.mail.next(f"/remapd{HOLD}") == (33.0,)


@in_loop
async def test_who_says_nothing_to_us_is_told_nothing():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        client.send("/somebody/else", 1)
        client.send_raw(b"no packet at all")
        assert (await client.mail.next())[0] == "/remapd/error"
        controller.set({HOLD: 33.0})
        client.send("/remapd/ping")
        assert (await client.mail.next())[0] == "/remapd/pong"
        assert server.counts()["peers"] == 1


@in_loop
async def test_changes_reach_the_others_and_not_their_sender():
    async with osc_server() as (server, controller), UdpClient.open(server) as one, UdpClient.open(server) as other:
        for client in (one, other):
            client.send("/remapd/ping")
            await everything(client.mail, controller)
        one.send(f"/remapd{HOLD}", 20.0)
        assert await other.mail.next(f"/remapd{HOLD}") == (20.0,)
        other.send(f"/remapd{MUTE}", True)
        assert await one.mail.next(f"/remapd{MUTE}") == (True,)
        assert f"/remapd{HOLD}" not in one.mail.addresses()
        assert f"/remapd{MUTE}" not in other.mail.addresses()


@in_loop
async def test_echoes_are_at_most_thirty_a_second_and_end_with_the_last_value():
    async with osc_server() as (server, controller), UdpClient.open(server) as one, UdpClient.open(server) as other:
        for client in (one, other):
            client.send("/remapd/ping")
            await everything(client.mail, controller)
        other.mail.messages.clear()
        begun = time.monotonic()
        for number in range(400):
            one.send(f"/remapd{HOLD}", number / 4.0)
            await asyncio.sleep(0)
        await one.settle()
        heard = [(await other.mail.next(f"/remapd{HOLD}"))[0]]
        while heard[-1] != 399 / 4.0:
            heard.append((await other.mail.next(f"/remapd{HOLD}"))[0])
        assert len(heard) <= 2 + 30.0 * (time.monotonic() - begun)
        assert heard == sorted(heard)


@in_loop
async def test_feedback_goes_to_the_port_that_is_named():
    async with osc_server() as (server, controller), UdpClient.open(server) as one, UdpClient.open(server) as listener:
        one.send("/remapd/subscribe", listener.port)
        await everything(listener.mail, controller)
        controller.set({HOLD: 33.0})
        assert await listener.mail.next(f"/remapd{HOLD}") == (33.0,)
        assert one.mail.messages == []


@pytest.mark.parametrize("arguments", [(0,), (65536,), ("9001",), (True,), (9001.0,), (9001, 9002)])
def test_what_is_no_port_is_refused(arguments):
    @in_loop
    async def check():
        async with osc_server() as (server, _), UdpClient.open(server) as client:
            client.send("/remapd/subscribe", *arguments)
            address, text = await client.mail.next("/remapd/error")
            assert address == "/remapd/subscribe"
            assert "1 to 65535" in text

    check()


@in_loop
async def test_who_asks_for_it_is_told_nothing_any_more():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        client.send("/remapd/unsubscribe")
        await client.settle()
        client.mail.messages.clear()
        controller.set({HOLD: 33.0})
        client.send(f"/remapd{HOLD}", 34.0)
        await client.settle()
        assert client.mail.messages == []
        client.send("/remapd/snapshot")
        await everything(client.mail, controller)


@in_loop
async def test_silent_peers_are_forgotten_and_come_back():
    async with osc_server(expire_s=1.0) as (server, controller), UdpClient.open(server) as client:
        client.send("/remapd/subscribe")
        await everything(client.mail, controller)
        while server.counts()["peers"]:
            await asyncio.sleep(0.05)
        assert len(controller.hub) == 0
        client.send("/remapd/ping")
        await everything(client.mail, controller)
        assert server.counts()["peers"] == 1


@in_loop
async def test_few_peers_have_a_place_and_those_who_asked_keep_theirs():
    async with osc_server(peers=3) as (server, controller), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(UdpClient.open(server)) for _ in range(10)]
        clients[0].send("/remapd/subscribe")
        for client in clients:
            await client.settle()
            assert server.counts()["peers"] <= 3
        assert len(controller.hub) == 3
        for client in clients[1:3]:
            client.send("/remapd/subscribe")
            await client.settle()
        refused = clients[3]
        refused.send("/remapd/subscribe")
        assert "too many" in (await refused.mail.next("/remapd/error"))[1]
        assert server.counters.turned_away > 0
        controller.set({HOLD: 33.0})
        while await clients[0].mail.next(f"/remapd{HOLD}") != (33.0,):
            pass
        # Who has no place can still change things.
        refused.send(f"/remapd{HOLD}", 34.0)
        await refused.settle()
        assert controller.value(HOLD) == 34.0


@in_loop
async def test_tracks_that_come_and_go_are_followed():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        client.send("/remapd/ping")
        await everything(client.mail, controller)
        number = await controller.add_track({"model": "velocity"})
        assert await client.mail.next(f"/remapd/track/{number}/gain_db") == (0.0,)
        client.send(f"/remapd/track/{number}/g*_db", -3.0)
        await client.settle()
        assert controller.value(f"/track/{number}/gain_db") == -3.0
        await controller.remove_track(number)
        client.send(f"/remapd/track/{number}/g*_db", -4.0)
        address, _ = await client.mail.next("/remapd/error")
        assert address == f"/remapd/track/{number}/g*_db"


# -- who is heard ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "allow", "heard"), [("127.0.0.1", [], True), ("10.0.0.7", ["10.0.0.0/24"], True)])
def test_this_machine_and_those_allowed_are_heard(host, allow, heard):
    assert hearing(allow)(host) is heard
    assert not hearing(allow)("192.168.1.5")
    assert hearing(allow)("::1")
    assert hearing(allow)(f"::ffff:{host}") is heard
    assert not hearing(allow)("::ffff:192.168.1.5")
    assert not hearing(allow)("fe80::1%eth0")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
@in_loop
async def test_ipv6():
    async with osc_server(host="::1") as (server, controller):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.connect(("::1", server.udp_port))
            client.send(encode("/remapd/subscribe"))
            client.send(encode(f"/remapd{HOLD}", [20.0]))
            client.send(encode("/remapd/ping"))
            mail = Mail()
            while "/remapd/pong" not in mail.addresses():
                mail.take(await received(client))
        assert controller.value(HOLD) == 20.0


@in_loop
async def test_packets_of_others_are_dropped(monkeypatch):
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        monkeypatch.setattr(server._udp, "_is_heard", lambda host: False)
        before = controller.values()
        client.send(f"/remapd{HOLD}", 20.0)
        while server.counters.not_allowed == 0:
            await asyncio.sleep(0.01)
        assert controller.values() == before
        assert client.mail.messages == []


# -- too much --------------------------------------------------------------------------------------------------------


@in_loop
async def test_who_sends_too_much_does_not_drown_the_others():
    server_with_little = osc_server(rate_per_s=100)
    async with (
        server_with_little as (server, controller),
        UdpClient.open(server) as flood,
        UdpClient.open(server) as one,
    ):
        await flood.settle()
        await one.settle()
        for _ in range(20):
            for number in range(50):
                flood.send(f"/remapd{HOLD}", float(number))
            await asyncio.sleep(0)
        one.send(f"/remapd{MUTE}", True)
        await one.settle()
        assert controller.value(MUTE) is True
        assert server.counters.over_rate > 100


@in_loop
async def test_a_flood_leaves_the_loop_its_time():
    """Ten thousand packets wait in the system's buffer; a timer of others is still served in between."""
    async with osc_server() as (server, _):
        packet, turns = encode("/remapd/ping", ["x"]), 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for _ in range(3000):
                flood.sendto(packet, ("127.0.0.1", server.udp_port))
            while server.counters.packets + server.counters.over_rate < 500:
                await asyncio.sleep(0)
                turns += 1
        assert turns >= 4


@in_loop
async def test_so_many_packets_are_read_in_a_second(monkeypatch):
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        await client.settle()
        monkeypatch.setattr(server._udp, "_packets", TokenBucket(500.0, 20.0))
        for number in range(100):
            client.send(f"/remapd{HOLD}", float(number))
        begun = time.monotonic()
        await client.settle()  # They are late, as few as these are not lost.
        assert time.monotonic() - begun > 0.1
        assert controller.value(HOLD) == 99.0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells it")
@in_loop
async def test_what_the_system_drops_is_counted():
    async with osc_server() as (server, _), UdpClient.open(server) as client:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for _ in range(5000):  # Nobody reads meanwhile.
                flood.sendto(bytes(1000), ("127.0.0.1", server.udp_port))
        while server.counters.overflowed == 0:
            client.send("/remapd/ping")
            await asyncio.sleep(0.01)
        assert server.counters.overflowed < 5000


@in_loop
async def test_an_answer_that_cannot_be_sent_is_counted():
    async with osc_server() as (server, _), UdpClient.open(server) as client:
        await client.settle()
        server._udp._send(bytes(70_000), server._udp.peers.find(("127.0.0.1", client.port)))
        assert server.counters.dropped_replies == 1


@in_loop
async def test_messages_that_jam_are_set_together_and_answered_in_order():
    async with osc_server() as (server, controller), UdpClient.open(server) as client:
        await client.settle()
        revision = controller.revision
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as jam:
            jam.connect(("127.0.0.1", server.udp_port))
            for number in range(50):  # All before the loop turns once.
                jam.send(encode(f"/remapd{HOLD}", [float(number)]))
                jam.send(encode("/remapd/track/1/pan", [float(number)]))  # Only 0 and 1 are in its range.
                if number == 20:
                    jam.send(encode(f"/remapd{HOLD}"))
            await client.settle()
            mail = Mail()
            while f"/remapd{HOLD}" not in mail.addresses():
                mail.take(await received(jam))
        # The answer comes before the snapshot.
        assert mail.messages[mail.addresses().index(f"/remapd{HOLD}")][1] == (20.0,)
        assert (controller.value(HOLD), controller.value("/track/1/pan")) == (49.0, 1.0)
        assert server.counters.refused == 48
        assert controller.revision < revision + 25  # By themselves they would be 51.


async def received(opened):
    return await asyncio.wait_for(asyncio.to_thread(opened.recv, 65536), PATIENCE_S)


# -- other people's software -----------------------------------------------------------------------------------------


@in_loop
async def test_python_osc_sends_and_is_set():
    async with osc_server() as (server, controller):
        changes = Changes(controller)
        SimpleUDPClient("127.0.0.1", server.udp_port).send_message(f"/remapd{HOLD}", 21.5)
        assert await changes.of(HOLD) == 21.5


liblo = pytest.mark.skipif(not shutil.which("oscsend"), reason="liblo-tools are not installed")


async def oscsend(server, *words):
    process = await asyncio.create_subprocess_exec("oscsend", "127.0.0.1", str(server.udp_port), *words)
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


@liblo
@in_loop
async def test_oscsend_sets_numbers_switches_and_texts():
    async with osc_server() as (server, controller):
        changes = Changes(controller)
        await oscsend(server, f"/remapd{HOLD}", "f", "22.5")
        assert await changes.of(HOLD) == 22.5
        await oscsend(server, f"/remapd{HOLD}", "d", "23.5")
        assert await changes.of(HOLD) == 23.5
        await oscsend(server, f"/remapd{HOLD}", "i", "24")
        assert await changes.of(HOLD) == 24.0
        await oscsend(server, f"/remapd{MUTE}", "T")
        assert await changes.of(MUTE) is True
        await oscsend(server, "/remapd/track/*/mu?e", "i", "0")
        assert await changes.of(MUTE) is False


@contextlib.asynccontextmanager
async def oscdump():
    """A listener of liblo: its port, and the lines that it writes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "oscdump", "-L", str(port), stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    try:
        yield port, process.stdout
    finally:
        process.kill()
        await process.wait()


async def listens(port):
    """Return when somebody has a UDP port."""
    while f":{port:04X} " not in Path("/proc/net/udp").read_text():
        await asyncio.sleep(0.02)


@liblo
@in_loop
async def test_oscdump_is_told_everything_and_each_change():
    async with osc_server() as (server, controller), oscdump() as (port, lines):
        await listens(port)
        await oscsend(server, "/remapd/subscribe", "i", str(port))
        wanted = {f"/remapd{path}" for path in controller.values()}
        while wanted:
            line = (await asyncio.wait_for(lines.readline(), PATIENCE_S)).decode()
            wanted.discard(line.split()[1])
        await oscsend(server, f"/remapd{HOLD}", "f", "27.25")
        while f"/remapd{HOLD} f 27.25" not in line:
            line = (await asyncio.wait_for(lines.readline(), PATIENCE_S)).decode()


@in_loop
async def test_an_answer_to_a_port_that_is_closed_does_no_harm():
    async with osc_server() as (server, controller):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.sendto(encode("/remapd/subscribe"), ("127.0.0.1", server.udp_port))
        while server.counters.packets == 0:
            await asyncio.sleep(0.01)
        async with UdpClient.open(server) as client:
            client.send(f"/remapd{HOLD}", 20.0)
            await client.settle()
            assert controller.value(HOLD) == 20.0


@in_loop
async def test_a_large_tree_is_told_in_packets_that_fit_a_network():
    controller = make_controller(values={f"/track/{n}/model": "snare_1" for n in range(1, 7)})
    async with osc_server(controller) as (server, _), UdpClient.open(server) as client:
        client.send("/remapd/snapshot")
        await everything(client.mail, controller)
        assert max(map(len, client.mail.packets)) <= 1400


@in_loop
async def test_a_planned_bundle_of_a_peer_who_has_left_is_done():
    async with osc_server() as (server, controller):
        changes = Changes(controller)
        async with UdpClient.open(server) as client:
            soon = TimeTag.at(time.time() + 0.1)
            client.send_raw(encode_bundle([encode(f"/remapd{HOLD}", [41.0])], soon))
            await client.settle()
        assert await changes.of(HOLD) == 41.0


def test_mail_reads_what_we_send():
    mail = Mail()
    mail.take(encode_bundle([encode("/a", [1]), encode("/b", ["x"])]))
    assert mail.messages == [("/a", (1,)), ("/b", ("x",))]
    assert decode(mail.packets[0]).time_tag == 1
