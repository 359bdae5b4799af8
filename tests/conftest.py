"""What holds for all tests: none of them may fail because the machine is slow."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("on any machine")
