"""Kafka: topics, producers, consumers, and the envelope in which a table's rows travel."""
