"""The Zerobus-compatible endpoint: records come by gRPC or REST, known ones are refused, new ones are durable before the ack."""
