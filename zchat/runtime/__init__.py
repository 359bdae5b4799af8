"""What every program runs on: settings, process, liveness, logging, metrics."""
