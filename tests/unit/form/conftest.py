from __future__ import annotations

from hypothesis import HealthCheck, settings

# Other work on the same machine must not make a test fail for being slow, and nothing is written into the checkout.
settings.register_profile("form", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("form")
