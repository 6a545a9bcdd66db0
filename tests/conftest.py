"""Settings that hold for every test."""

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no fault of the code, and a failure must come back when the test is run again.
settings.register_profile("remapd", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remapd")


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Keep whatever a test starts out of the folders of whoever runs it, and apart from other tests."""
    folder = tmp_path_factory.mktemp("folders")
    for name in ("data", "state", "config", "runtime"):
        monkeypatch.setenv(f"REMAPD_PATHS__{name.upper()}", str(folder / name))
