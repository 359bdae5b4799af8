"""What every program of ours runs on: settings, process, liveness, logging, metrics."""
