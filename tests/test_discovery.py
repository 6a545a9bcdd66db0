"""What the network is told: pure parts, and real responders and browsers that talk over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from remapd.control.discovery.announcements import (
    Endpoint,
    announcements,
    http_endpoints,
    instance_name,
    is_reachable,
    numbered,
    osc_endpoints,
    own_host_name,
)
from remapd.control.discovery.discovery import Discovery, _look, present_addresses

# Addresses of no machine: RFC 5737 and RFC 3849 keep them for texts.
HERE = ["127.0.0.1", "::1", "192.0.2.7", "198.51.100.7", "2001:db8::7", "fe80::7", "169.254.3.4"]
WAIT_S = 20.0


def addresses_of(host: str) -> list[str]:
    told = announcements([Endpoint("_osc._udp", host, 9000)], HERE)
    return [address for announcement in told for address in announcement.addresses]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "127.8.8.8", "203.0.113.1", "", "nonsense", "fe80::7"]
)
def test_nothing_is_told_of_what_nobody_can_reach(host: str) -> None:
    assert addresses_of(host) == []


def test_a_wildcard_is_told_with_all_addresses_of_its_family() -> None:
    assert addresses_of("0.0.0.0") == ["169.254.3.4", "192.0.2.7", "198.51.100.7"]
    assert addresses_of("::") == ["2001:db8::7"]


def test_a_bound_address_is_told_alone() -> None:
    assert addresses_of("198.51.100.7") == ["198.51.100.7"]


@given(st.one_of(st.ip_addresses().map(str), st.text(max_size=20)), st.lists(st.ip_addresses().map(str), max_size=8))
def test_loopback_is_never_told(host: str, present: list[str]) -> None:
    for announcement in announcements([Endpoint("_osc._udp", host, 9000)], [*present, "127.0.0.1", "::1"]):
        for address in announcement.addresses:
            assert is_reachable(address)
            assert not ipaddress.ip_address(address).is_loopback


def test_addresses_of_this_machine_are_found() -> None:
    assert "127.0.0.1" in present_addresses()


def test_endpoints_are_those_that_are_open() -> None:
    assert [e.kind for e in http_endpoints("0.0.0.0", 8080)] == ["_oscjson._tcp", "_http._tcp"]
    assert [(e.kind, e.port) for e in osc_endpoints("0.0.0.0", 9000, 9001)] == [
        ("_osc._udp", 9000),
        ("_osc._tcp", 9001),
    ]
    assert osc_endpoints("0.0.0.0", None, None) == []
    assert dict(http_endpoints("0.0.0.0", 8080)[1].text)["api"] == "/api/v1"


@given(st.text(max_size=200), st.text(max_size=80), st.integers(1, 32))
def test_any_name_becomes_one_label(configured: str, machine: str, number: int) -> None:
    name = numbered(instance_name(configured, machine), number)
    assert 0 < len(name.encode()) <= 63
    assert "." not in name
    assert name.isprintable()
    announcement = announcements([Endpoint("_osc._udp", "192.0.2.7", 9000)], HERE)[0]
    host_name = own_host_name(name)
    assert len(host_name.partition(".")[0]) <= 63
    assert announcement.service(name, host_name).name == f"{name}._osc._udp.local."


def test_the_name_is_that_of_the_machine_unless_one_is_given() -> None:
    assert instance_name("", "stage.example.org") == "remapd on stage"
    assert instance_name("Kit of Ana", "stage") == "Kit of Ana"
    assert own_host_name("Kit of Ana").startswith("kit-of-ana-")


# -- real responders ---------------------------------------------------------------------------------------------------


def on_loopback(addresses: list[str]) -> AsyncZeroconf:
    """What is told are addresses of nobody, but it is told over loopback."""
    assert all(is_reachable(address) for address in addresses)
    return AsyncZeroconf(interfaces=["127.0.0.1"])


class Machine:
    """The addresses and ports of a machine, to be changed by a test."""

    def __init__(self, port: int = 8080, host: str = "0.0.0.0") -> None:
        self.addresses = ["127.0.0.1", "192.0.2.7"]
        self.port, self.host = port, host

    def endpoints(self) -> list[Endpoint]:
        return [*http_endpoints(self.host, self.port), *osc_endpoints(self.host, self.port + 1, None)]

    def discovery(self, name: str) -> Discovery:
        return Discovery(self.endpoints, name, lambda: self.addresses, on_loopback, rescan_s=0.05)


class Watcher:
    """A browser as other programs have one; `until` waits for what it sees."""

    def __init__(self, zeroconf: AsyncZeroconf, kind: str) -> None:
        self.zeroconf, self.kind = zeroconf, f"{kind}.local."
        self.names: set[str] = set()
        self._changed = asyncio.Event()
        self.browser = AsyncServiceBrowser(zeroconf.zeroconf, [self.kind], handlers=[self._note])

    def _note(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        label = name.removesuffix(f".{self.kind}")
        if state_change is ServiceStateChange.Removed:
            self.names.discard(label)
        else:
            self.names.add(label)
        self._changed.set()

    async def until(self, names: set[str]) -> None:
        await self._until(lambda: self.names == names)

    async def until_some(self, number: int) -> None:
        await self._until(lambda: len(self.names) == number)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def info(self, name: str) -> ServiceInfo:
        info = await self.zeroconf.async_get_service_info(self.kind, f"{name}.{self.kind}")
        assert info is not None
        return info


@contextlib.asynccontextmanager
async def watching(*kinds: str) -> AsyncIterator[list[Watcher]]:
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"])
    watchers = [Watcher(zeroconf, kind) for kind in kinds]
    yield watchers
    for watcher in watchers:
        await watcher.browser.async_cancel()
    await zeroconf.async_close()


@pytest.fixture(scope="module", autouse=True)
def _multicast() -> None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            probe.sendto(b"", ("224.0.0.251", 5353))
    except OSError as error:
        pytest.skip(f"no multicast over loopback here: {error}")


def test_a_browser_finds_everything_and_sees_it_go() -> None:
    async def scenario() -> None:
        machine = Machine()
        discovery = machine.discovery("find me")
        async with watching("_oscjson._tcp", "_osc._udp", "_http._tcp") as watchers:
            await discovery.start()
            for watcher in watchers:
                await watcher.until({"find me"})
            infos = [await watcher.info("find me") for watcher in watchers]
            assert [info.port for info in infos] == [8080, 8081, 8080]
            assert {tuple(info.parsed_addresses()) for info in infos} == {("192.0.2.7",)}
            assert {info.server for info in infos} == {f"{discovery.host_name}."}
            assert infos[2].decoded_properties["api"] == "/api/v1"
            assert infos[1].decoded_properties["uri"] == "/remapd"
            await discovery.stop()
            await discovery.stop()
            for watcher in watchers:
                await watcher.until(set())

    asyncio.run(scenario())


def test_a_name_that_is_taken_gets_a_number() -> None:
    async def scenario() -> None:
        first, second = Machine(8080).discovery("twice"), Machine(8090).discovery("twice")
        async with watching("_oscjson._tcp") as (watcher,):
            await first.start()
            await watcher.until({"twice"})
            await second.start()
            await watcher.until({"twice", "twice (2)"})
            assert (await watcher.info("twice (2)")).port == 8090
            await second.stop()
            await watcher.until({"twice"})
            await first.stop()

    asyncio.run(scenario())


def test_of_two_that_take_a_name_at_once_one_yields() -> None:
    async def scenario() -> None:
        both = [Machine(8080).discovery("at once"), Machine(8090).discovery("at once")]
        async with watching("_oscjson._tcp") as (watcher,):
            await asyncio.gather(*(discovery.start() for discovery in both))
            await watcher.until_some(2)
            ports = {(await watcher.info(name)).port for name in watcher.names}
            assert ports == {8080, 8090}
            for discovery in both:
                await discovery.stop()

    asyncio.run(scenario())


@contextlib.asynccontextmanager
async def rudely_announced(name: str, port: int) -> AsyncIterator[None]:
    """Announce a name without a look at whether it is taken, as happens when networks are joined."""
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"])
    machine = Machine(port)
    service = announcements(machine.endpoints(), machine.addresses)[0].service(name, own_host_name(name))
    await (await zeroconf.async_register_service(service, cooperating_responders=True))
    yield
    await zeroconf.async_close()


def test_a_name_that_another_announces_later_is_left_by_one_of_both() -> None:
    async def scenario() -> None:
        discovery = Machine(8080).discovery("joined")
        async with watching("_oscjson._tcp", "_osc._udp") as (first, last):
            await discovery.start()
            await last.until({"joined"})
            async with rudely_announced("joined", 8090):  # The greater port is to yield.
                assert last.names == {"joined"}
            async with rudely_announced("joined", 8070):
                await first.until({"joined", "joined (2)"})
                assert (await first.info("joined (2)")).port == 8080
            await discovery.stop()

    asyncio.run(scenario())


def test_addresses_and_ports_that_change_are_followed() -> None:
    async def scenario() -> None:
        machine = Machine()
        machine.addresses = ["127.0.0.1"]
        discovery = machine.discovery("moving")
        async with watching("_oscjson._tcp") as (watcher,):
            await discovery.start()
            machine.addresses = ["127.0.0.1", "198.51.100.7"]
            await watcher.until({"moving"})
            assert (await watcher.info("moving")).parsed_addresses() == ["198.51.100.7"]
            machine.host = "127.0.0.1"
            await watcher.until(set())
            assert discovery.announced == ()
            machine.host, machine.port = "0.0.0.0", 8095
            await watcher.until({"moving"})
            assert (await watcher.info("moving")).port == 8095
            await discovery.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["localhost", "no such machine", "a..b", "x" * 300])
def test_a_name_is_told_by_its_address_if_it_has_one(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = [Endpoint("_osc._udp", host, 9000)]
    _, looked_up = _look(lambda: HERE, endpoints)
    assert announcements(looked_up, HERE) == ()
    answer = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: answer)
    _, looked_up = _look(lambda: HERE, endpoints)
    assert announcements(looked_up, HERE)[0].addresses == ("192.0.2.7",)


def test_nothing_is_opened_while_all_is_on_loopback() -> None:
    async def scenario() -> None:
        machine = Machine(host="127.0.0.1")
        looked, again = 0, asyncio.Event()
        loop = asyncio.get_running_loop()

        def present() -> list[str]:
            nonlocal looked
            looked += 1
            if looked == 3:
                loop.call_soon_threadsafe(again.set)
            return machine.addresses

        def never(addresses: list[str]) -> AsyncZeroconf:
            raise AssertionError("a responder was opened")

        discovery = Discovery(machine.endpoints, "alone", present, never, rescan_s=0.01)
        await discovery.start()
        await asyncio.wait_for(again.wait(), WAIT_S)
        assert discovery.name == ""
        await discovery.stop()

    asyncio.run(scenario())


def test_a_network_that_refuses_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        machine, refusals = Machine(), [OSError("no multicast"), OSError("no multicast")]

        def refusing(addresses: list[str]) -> AsyncZeroconf:
            if refusals:
                raise refusals.pop()
            return on_loopback(addresses)

        discovery = Discovery(machine.endpoints, "patient", lambda: machine.addresses, refusing, rescan_s=0.01)
        async with watching("_oscjson._tcp") as (watcher,):
            await discovery.start()
            await watcher.until({"patient"})
            await discovery.stop()

    asyncio.run(scenario())
    assert "no multicast" in caplog.text


# -- a browser of another make -----------------------------------------------------------------------------------------

NODE = shutil.which("node")
BROWSER = Path(__file__).with_name("bonjour_browser.js")


def has_bonjour() -> bool:
    """Whether node has the package that OSCQuery clients of its world find services with (see NODE_PATH)."""
    if NODE is None:
        return False
    command = [NODE, "-e", "require.resolve('bonjour-service')"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_bonjour(), reason="node has no package bonjour-service: npm install, and NODE_PATH")
def test_a_browser_of_another_make_finds_the_same() -> None:
    async def scenario() -> dict[str, Any]:
        discovery = Machine().discovery("Kit of Ana")
        await discovery.start()
        types = ("oscjson/tcp", "osc/udp", "http/tcp")
        browser = await asyncio.create_subprocess_exec(
            str(NODE), str(BROWSER), *types, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, err = await asyncio.wait_for(browser.communicate(), WAIT_S)
        finally:
            if browser.returncode is None:
                browser.kill()
                await browser.wait()
            await discovery.stop()
        assert browser.returncode == 0, err.decode()
        return dict(json.loads(out))

    found = asyncio.run(scenario())
    assert {kind: (s["name"], s["port"]) for kind, s in found.items()} == {
        "oscjson": ("Kit of Ana", 8080),
        "osc": ("Kit of Ana", 8081),
        "http": ("Kit of Ana", 8080),
    }
    assert found["oscjson"]["addresses"] == ["192.0.2.7"]
    assert found["http"]["txt"]["api"] == "/api/v1"
