"""What holds for all tests: none of them may fail because the machine is slow."""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("on any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control has it ignored by what it puts aside with `&`: by us, and by the
    # programs that we start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
