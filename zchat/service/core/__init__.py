"""What all services have in common, as rules: effects, queues, retention, who may send what."""
