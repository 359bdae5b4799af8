"""Pure rules of the runtime: measures, rate limits, and when a process hangs."""
