"""The writer: its own process, the only one that writes pipeline tables. Topics in, Delta out, each row once."""
