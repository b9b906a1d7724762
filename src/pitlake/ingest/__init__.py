"""The Zerobus-compatible endpoint: records come in by gRPC or REST, known ones are refused, new ones are durable before the ack."""
