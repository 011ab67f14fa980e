"""What all tests share."""

from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no example has a deadline.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")
