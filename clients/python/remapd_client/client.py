"""The service as one object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

from remapd_client.desk import Profiles, Sinks, Tracks
from remapd_client.documents import Control, Document, Status, Value, Values
from remapd_client.errors import ClientError
from remapd_client.events import Events
from remapd_client.hit_receiver import HitFields, HitReceiver
from remapd_client.library import Models, Presets, Sessions
from remapd_client.messages import Gap, Hit
from remapd_client.osc import OscControl
from remapd_client.studio import Jobs, Recordings
from remapd_client.transport import Transport
from remapd_client.tree import Tree


class Remapd:
    """A running remapd; a context manager that closes the connection.

    Parameters
    ----------
    url : str
        Where it serves HTTP.
    token : str
        Where it asks for one, as it does beyond its own machine.
    timeout_s : float
        Longest wait for an answer.

    Attributes
    ----------
    tree : Tree
        Everything that can be set.
    tracks, models, presets, sessions, sinks, profiles, recordings, jobs
        What there is of each.
    """

    def __init__(self, url: str = "http://127.0.0.1:8808", token: str = "", timeout_s: float = 30.0) -> None:
        self._transport = transport = Transport(url, token, timeout_s)
        self.tree = Tree(transport)
        self.tracks, self.sinks, self.profiles = Tracks(transport), Sinks(transport), Profiles(transport)
        self.models, self.presets, self.sessions = Models(transport), Presets(transport), Sessions(transport)
        self.recordings, self.jobs = Recordings(transport), Jobs(transport)

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return self._transport.url

    def status(self) -> Status:
        """What runs and how well."""
        return cast(Status, self._transport.get("/status"))

    def get(self, path: str) -> Value:
        """Value of a control; see `Tree.get`."""
        return self.tree.get(path)

    def set(self, path: str, value: Value) -> Values:
        """Change a control; see `Tree.set`."""
        return self.tree.set(path, value)

    def set_many(self, values: Mapping[str, Value], revision: int | None = None) -> Values:
        """Change any controls, all or none; see `Tree.set_many`."""
        return self.tree.set_many(values, revision)

    def describe(self, path: str = "/") -> list[Control]:
        """Controls with units and ranges; see `Tree.describe`."""
        return self.tree.describe(path)

    def panic(self) -> None:
        """Silence every voice at once."""
        self.tree.trigger("/panic")

    def events(
        self, topics: Iterable[str] = ("hits",), rate_hz: float | None = None, reconnects: bool = True
    ) -> Events:
        """What happens from now on; see `Events`."""
        return Events(self._transport, topics, rate_hz, reconnects)

    def hits(self) -> Iterator[Hit | Gap]:
        """Hits from now on, and where some are missing."""
        with self.events() as events:
            yield from (message for message in events if isinstance(message, Hit | Gap))

    def osc(self) -> OscControl:
        """Talk OSC to it.

        Raises
        ------
        ClientError
            If it takes none over UDP.
        """
        info = self._transport.root({"HOST_INFO": ""})
        if info.get("OSC_TRANSPORT") != "UDP":
            raise ClientError(f"{self.url} takes no OSC over UDP")
        return OscControl(info.get("OSC_IP") or urlsplit(self.url).hostname or "", info["OSC_PORT"])

    def hit_fields(self, track: int) -> HitFields:
        """Names of the numbers of a track's hits, as its tree has them."""
        root = f"/track/{track}"
        paths = [control["path"] for control in self.describe(root)]
        features = [path for path in paths if path.startswith(f"{root}/feature/") and path.endswith("/scale")]
        parameters = [path for path in paths if path.startswith(f"{root}/synth/")]
        return HitFields(
            tuple(path.split("/")[4] for path in features),
            tuple(path.removeprefix(f"{root}/synth/").replace("/", ".") for path in parameters),
        )

    def osc_hits(self, tracks: Iterable[int] = (), host: str = "127.0.0.1", **more: object) -> HitReceiver:
        """Have hits sent here over OSC, which is sooner than the events; the sink goes when this is closed.

        Parameters
        ----------
        tracks : iterable of int
            Of which tracks, from 1; of all if empty.
        host : str
            Address of this machine, as the service reaches it.
        more
            Other members of the sink's document, such as ``values="unit"``.
        """
        receiver = HitReceiver(self.hit_fields, host)
        asked: Document = {"kind": "osc", "host": host, "port": receiver.port, "form": "vector"}
        try:
            sink = self.sinks.add({**asked, "tracks": list(tracks), **more})
        except BaseException:
            receiver.close()
            raise
        receiver.on_close = lambda: self.sinks.delete(str(sink["id"]))
        return receiver

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
