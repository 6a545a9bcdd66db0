"""Settings that hold for every test."""

from hypothesis import HealthCheck, settings

# A slow machine is no fault of the code, and a failure must come back when the test is run again.
settings.register_profile("remapd", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remapd")
