"""Client of remapd: its tree, library, events and hits.

>>> with Remapd("http://127.0.0.1:8808") as remapd:
...     remapd.set("/track/1/neurality", 2.0)
...     for hit in remapd.hits():
...         ...
"""

from remapd_client.client import Remapd
from remapd_client.errors import ClientError, Problem, Refused, Unreachable
from remapd_client.events import Events
from remapd_client.hit_receiver import HitFields, HitReceiver, OscHit
from remapd_client.messages import Changes, Gap, Hit, Meters, News, Rejected
from remapd_client.osc import OscControl

__all__ = [
    "Changes",
    "ClientError",
    "Events",
    "Gap",
    "Hit",
    "HitFields",
    "HitReceiver",
    "Meters",
    "News",
    "OscControl",
    "OscHit",
    "Problem",
    "Refused",
    "Rejected",
    "Remapd",
    "Unreachable",
]
__version__ = "0.1.0"
