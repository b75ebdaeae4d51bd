"""What `make bench` measures: the whole worker on a real Kafka. Machines are noisy; read ratios within one run."""
