"""The Zerobus-compatible endpoint: records come in by gRPC or REST, are refused when known, written durably, then acknowledged."""
