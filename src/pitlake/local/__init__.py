"""What a laptop needs in place of a cluster: the broker, the jars, Java, process supervision."""
