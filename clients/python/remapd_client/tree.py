"""The tree of controls over REST: read and written one by one, or many as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from remapd_client.documents import Control, Value, Values
from remapd_client.errors import ClientError
from remapd_client.transport import Transport, named


class Tree:
    """What can be seen and changed, by path.

    Parameters
    ----------
    transport : Transport
        Calls the service.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, path: str) -> Value:
        """Value of a control.

        Raises
        ------
        Problem
            404 if there is none of this path; its text names one that is near.
        ClientError
            If the path is that of an action, or of more than one control.
        """
        document = self._transport.get(_place(path))
        if "value" not in document:
            raise ClientError(f"{path}: expected one control, got {len(document['values'])}; see values()")
        if document["value"] is None:
            raise ClientError(f"{path}: expected a control with a value, got an action; see trigger()")
        return cast(Value, document["value"])

    def values(self, path: str = "/") -> Values:
        """Values of all controls at or below a path."""
        document = self._transport.get(_place(path))
        return cast(Values, document["values"]) if "values" in document else {path: document["value"]}

    def revision(self) -> int:
        """Number that grows with every change of the tree."""
        return cast(int, self._transport.get("/tree")["revision"])

    def describe(self, path: str = "/") -> list[Control]:
        """Controls at or below a path, with units, ranges, curves and choices."""
        return cast(list[Control], self._transport.get(_place(path), {"describe": 1})["controls"])

    def set(self, path: str, value: Value) -> Values:
        """Change a control; returns everything that is different now.

        Raises
        ------
        Problem
            422 with the field, if the value does not fit.
        """
        return cast(Values, self._transport.send("PUT", _place(path), {"value": value})["values"])

    def set_many(self, values: Mapping[str, Value], revision: int | None = None) -> Values:
        """Change any controls, all of them or, if one does not fit, none.

        Parameters
        ----------
        values : mapping
            Values by path.
        revision : int, optional
            Change nothing (Problem 412) if the tree is no longer the one that had this number.
        """
        headers = None if revision is None else {"If-Match": f'"{revision}"'}
        return cast(Values, self._transport.send("PATCH", "/tree", dict(values), headers)["values"])

    def trigger(self, path: str) -> None:
        """Do an action, such as ``/panic``."""
        self._transport.send("POST", _place(path))


def _place(path: str) -> str:
    inner = "/".join(named(name) for name in path.strip("/").split("/"))
    return f"/tree/{inner}" if inner else "/tree"
